//! A real Prometheus beside the end-to-end tests: it scrapes the system's pods by their metrics port and judges the
//! alerts, so that dashboards are tried on what a run really leaves. It ends with this process.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use api_types::names::SERVER_NAMESPACE;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    apt::{self, Needed},
    cluster::{Cluster, wait},
    paths,
    shell::{Cmd, which},
    step,
};

const PROGRAMS: [Needed; 2] = [
    Needed { program: "prometheus", package: "prometheus" },
    Needed { program: "promtool", package: "prometheus" },
];

const START_LIMIT: Duration = Duration::from_secs(30);

/// One that runs; dropped, it is gone.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    _folder: TempDir,
}

/// Sees to it that it is there, with `promtool`, which tests the alerts.
pub(crate) fn ensure() -> Result<()> {
    step::run("Prometheus", |_| apt::ensure(&PROGRAMS).map(drop))
}

impl Prometheus {
    pub(crate) fn start(cluster: &Cluster) -> Result<Self> {
        ensure()?;
        let folder = tempfile::tempdir()?;
        let config = folder.path().join("prometheus.yml");
        std::fs::write(&config, configuration(cluster)?.to_string())?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = File::create(folder.path().join("log"))?;
        // The kernel ends it with this process, however that ends.
        let child =
            Command::new(which("setpriv").context("setpriv is missing: install util-linux")?)
                .args(["--pdeathsig", "KILL", "--", "prometheus"])
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()
                .context("prometheus does not start")?;
        let started = Self { child, address, _folder: folder };
        wait::until("Prometheus to be ready", START_LIMIT, || {
            Ok(Cmd::new("promtool").args(["query", "instant", &started.url(), "1"]).succeeds())
        })?;
        Ok(started)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// As a `PodMonitor` of the chart makes it, and faster. YAML is a superset of JSON.
fn configuration(cluster: &Cluster) -> Result<Value> {
    let label = |from: &str, to: &str| json!({ "source_labels": [format!("__meta_kubernetes_{from}")], "target_label": to });
    Ok(json!({
        "global": { "scrape_interval": "5s", "evaluation_interval": "5s" },
        "rule_files": [paths::repository().join("helm/kubeopencode/rules/kubeopencode.yaml")],
        "scrape_configs": [{
            "job_name": "kubeopencode",
            "kubernetes_sd_configs": [{
                "role": "pod",
                "kubeconfig_file": cluster.kubeconfig()?,
                "namespaces": { "names": [SERVER_NAMESPACE] },
            }],
            "relabel_configs": [
                {
                    "source_labels": ["__meta_kubernetes_pod_container_port_name"],
                    "regex": "metrics",
                    "action": "keep",
                },
                label("namespace", "namespace"),
                label("pod_name", "pod"),
            ],
        }],
    }))
}
