//! An installation as processes on this machine, two of each program, beside a control plane without a node: with the
//! accounts, certificates and probes that pods have.

use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use api_types::names::{BROKER_PORT, BROKER_SERVICE, SERVER_NAMESPACE};
use k8s_openapi::api::{core::v1::Secret, discovery::v1::EndpointSlice};
use kube::{Api, Client, api::PostParams};
use pki::{Adoption, Settings};
use serde_json::json;
use tokio::time::{Instant, interval};

use crate::{
    access::{Access, Account, BROKER, CONTROLLER, GATEWAY},
    clock,
    process::{Process, Program, free_address},
};

/// Longer than any run.
const VALIDITY: time::Duration = time::Duration::days(1);

/// Where the programs are, and the addresses of brokers.
#[derive(clap::Args, Clone, Debug)]
pub struct Programs {
    /// The gateway's program
    #[arg(long, value_name = "FILE")]
    pub gateway: PathBuf,
    /// The terminal broker's program
    #[arg(long, value_name = "FILE")]
    pub broker: PathBuf,
    /// Addresses of this machine for the brokers, none of loopback: a replica of each program for each of them. The name
    /// of the brokers' Service means all of them
    #[arg(long, value_name = "IP,…", value_delimiter = ',')]
    pub broker_addresses: Vec<Ipv4Addr>,
}

/// A replica that runs, and what it is called.
pub struct Replica {
    pub program: &'static str,
    pub process: Process,
}

/// Starts all replicas, and waits until each is ready. Their files are in `folder`.
pub async fn start(
    access: &Access,
    programs: &Programs,
    client: &Client,
    folder: &Path,
    bound: Duration,
) -> Result<Vec<Replica>> {
    certificates(folder, VALIDITY)?;
    endpoints(client, &programs.broker_addresses).await?;
    let broker = format!("--broker=https://{BROKER_SERVICE}:{BROKER_PORT}");
    let mut replicas = Vec::new();
    let parts: [(&str, Account, &Path, &str); 3] = [
        ("terminal-broker", BROKER, &programs.broker, "kubeopencode-broker-tls"),
        ("gateway", GATEWAY, &programs.gateway, "kubeopencode-gateway-tls"),
        ("controller", CONTROLLER, &access.controller, "kubeopencode-controller-tls"),
    ];
    for (program, account, path, secret) in parts {
        let kubeconfig = access.of_account(account, client, folder).await?;
        for (number, address) in programs.broker_addresses.iter().enumerate() {
            let mut arguments = vec![
                format!("--pod-name={program}-{number}"),
                format!("--tls-dir={}", folder.join(secret).display()),
                "--log-format=json".to_owned(),
            ];
            arguments.push(match program {
                "terminal-broker" => format!("--listen={address}:{BROKER_PORT}"),
                _ => broker.clone(),
            });
            if program == "gateway" {
                arguments.push(format!("--listen={}", free_address(Ipv4Addr::LOCALHOST)?));
            }
            let log = folder.join(format!("{program}-{number}.log"));
            let (path, kubeconfig) = (path.to_owned(), kubeconfig.clone());
            let process = Program { path, arguments, kubeconfig, log: log.clone() }.start()?;
            let ready = process.is_ready(bound).await;
            ready.with_context(|| fs::read_to_string(&log).unwrap_or_default())?;
            replicas.push(Replica { program, process });
        }
    }
    Ok(replicas)
}

/// A folder for each Secret of certificates, as pods see them.
pub fn certificates(folder: &Path, validity: time::Duration) -> Result<()> {
    let settings = Settings {
        namespace: SERVER_NAMESPACE.to_owned(),
        validity,
        renew_before: time::Duration::hours(1),
        adopt: Adoption::Refused,
        tools: Vec::new(),
    };
    for secret in pki::renew(&[], &settings, clock::now())?.writes {
        let Secret { metadata, data, .. } = secret;
        let folder = folder.join(metadata.name.context("a Secret without a name")?);
        fs::create_dir(&folder)?;
        for (key, value) in data.unwrap_or_default() {
            fs::write(folder.join(key), value.0)?;
        }
    }
    Ok(())
}

/// What the built-in controllers, which are absent, would make of the brokers' Service and pods.
async fn endpoints(client: &Client, addresses: &[Ipv4Addr]) -> Result<()> {
    let slices: Api<EndpointSlice> = Api::namespaced(client.clone(), SERVER_NAMESPACE);
    let endpoints: Vec<_> = addresses
        .iter()
        .map(|address| json!({ "addresses": [address], "conditions": { "ready": true } }))
        .collect();
    let slice = serde_json::from_value(json!({
        "metadata": {
            "name": format!("{BROKER_SERVICE}-1"),
            "labels": { "kubernetes.io/service-name": BROKER_SERVICE },
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{ "name": "grpc", "port": BROKER_PORT, "protocol": "TCP" }],
    }))?;
    slices.create(&PostParams::default(), &slice).await?;
    Ok(())
}

/// Asks as the kubelet and a Prometheus do, at the periods of the manifests, until `window` is over: that is work too.
pub async fn probe(replicas: &[Replica], window: Duration) -> Result<()> {
    let started = Instant::now();
    let mut seconds = interval(Duration::from_secs(1));
    for second in 0_u32.. {
        seconds.tick().await;
        if started.elapsed() >= window {
            return Ok(());
        }
        for Replica { process, .. } in replicas {
            for (path, period) in [("/readyz", 2), ("/livez", 20), ("/metrics", 30)] {
                if second.is_multiple_of(period) {
                    process.ask(path).await?;
                }
            }
        }
    }
    Ok(())
}
