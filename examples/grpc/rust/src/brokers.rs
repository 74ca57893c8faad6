//! Where the brokers are, and connections to them by mutual TLS.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path, time::Duration};

use anyhow::{Context, ensure};
use terminal_proto::v1::terminal_broker_client::TerminalBrokerClient;
use tonic::{
    Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

/// The name in every broker's certificate, whatever its address.
const NAME: &str = "kubeopencode-terminal-broker";
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);
/// Of a call that is answered at once.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(10);

/// What a broker said, or what else went wrong.
pub(crate) fn told(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Status>() {
        Some(status) => format!("{:?}: {}", status.code(), status.message()),
        None => format!("{error:#}"),
    }
}

pub(crate) struct Brokers {
    pub(crate) addresses: BTreeSet<SocketAddr>,
    tls: ClientTlsConfig,
}

impl Brokers {
    /// Every address of each name: the brokers' Service is headless, so that its name has those of all pods.
    pub(crate) async fn find(names: &[String], tls_dir: &Path) -> anyhow::Result<Self> {
        let mut addresses = BTreeSet::new();
        for name in names {
            let found = tokio::net::lookup_host(name);
            addresses.extend(found.await.with_context(|| format!("cannot find {name}"))?);
        }
        ensure!(!addresses.is_empty(), "no broker has an address: is one ready?");
        let read = |file: &str| {
            let file = tls_dir.join(file);
            fs::read(&file).with_context(|| format!("cannot read {}", file.display()))
        };
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read("ca.crt")?))
            .identity(Identity::from_pem(read("tls.crt")?, read("tls.key")?))
            .domain_name(NAME);
        Ok(Self { addresses, tls })
    }

    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
    ) -> anyhow::Result<TerminalBrokerClient<Channel>> {
        let endpoint = Endpoint::from_shared(format!("https://{address}"))?
            .connect_timeout(CONNECT_DEADLINE)
            .tls_config(self.tls.clone())?;
        Ok(TerminalBrokerClient::new(endpoint.connect().await?))
    }
}
