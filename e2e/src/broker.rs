//! gRPC straight to a broker, by a certificate of the installation, which the cluster's administrator may read.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use api_types::names::{BROKER_SERVICE, SERVER_NAMESPACE};
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

/// The broker's port.
pub const GRPC: u16 = 50051;

/// The Secret with the gateway's certificate.
pub const GATEWAY: &str = "kubeopencode-gateway-tls";

/// A connection for any number of calls, with the certificate in the Secret `caller`.
pub async fn channel(client: &Client, broker: SocketAddr, caller: &str) -> Result<Channel> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), SERVER_NAMESPACE);
    let data = secrets.get(caller).await?.data.unwrap_or_default();
    let file = |name: &str| data.get(name).map(|bytes| bytes.0.clone()).context("a TLS file");
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(file("ca.crt")?))
        .identity(Identity::from_pem(file("tls.crt")?, file("tls.key")?))
        .domain_name(BROKER_SERVICE);
    let endpoint = Endpoint::from_shared(format!("https://{broker}"))?.tcp_nodelay(true);
    Ok(endpoint.tls_config(tls)?.connect().await?)
}
