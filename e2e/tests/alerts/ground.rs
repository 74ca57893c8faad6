//! What all faults have in common: a control plane, the programs, and the Prometheus that looks at them.

use std::{fs, net::SocketAddr, path::PathBuf};

use anyhow::{Context, Result};
use e2e::settings;
use kube::Client;
use scale::access::Access;
use serde_json::{Value, json};

pub(crate) struct Ground {
    pub(crate) access: Access,
    pub(crate) client: Client,
    /// Where the programs are.
    pub(crate) programs: PathBuf,
    /// Of Prometheus.
    folder: PathBuf,
}

impl Ground {
    pub(crate) async fn new(folder: PathBuf) -> Result<Self> {
        let programs = settings::programs()?;
        let access = Access {
            kubeconfig: settings::kubeconfig()?,
            audit_log: settings::audit_log()?,
            controller: programs.join("controller"),
        };
        let client = access.client().await?;
        Ok(Self { access, client, programs, folder })
    }

    /// Where the API server is.
    pub(crate) fn api_server(&self) -> Result<SocketAddr> {
        let kubeconfig: Value =
            serde_json::from_str(&fs::read_to_string(&self.access.kubeconfig)?)?;
        let server = kubeconfig["clusters"][0]["cluster"]["server"].as_str();
        let address = server.and_then(|server| server.strip_prefix("https://"));
        Ok(address.context("the API server has no address")?.parse()?)
    }

    /// Lets Prometheus scrape the pods of a namespace, which are nothing but addresses and labels to it.
    pub(crate) fn scrape(&self, namespace: &str, pods: &[(&str, SocketAddr)]) -> Result<()> {
        let targets: Vec<Value> = pods
            .iter()
            .map(|(pod, address)| {
                json!({ "targets": [address], "labels": { "namespace": namespace, "pod": pod } })
            })
            .collect();
        // Prometheus reads what ends in .json, as soon as it is there.
        let written = self.folder.join(format!("{namespace}.new"));
        fs::write(&written, Value::from(targets).to_string())?;
        Ok(fs::rename(written, self.folder.join(format!("targets/{namespace}.json")))?)
    }
}
