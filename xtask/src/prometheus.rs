//! A real Prometheus beside tests: it scrapes what it is told of and judges the alerts. It ends with this process.

mod pods;

use std::{
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result};
use serde_json::json;
use tempfile::TempDir;

use crate::{
    apt::{self, Needed},
    cluster::{Cluster, wait},
    paths,
    shell::{Cmd, last_lines, which},
    step,
};
use pods::Pods;

const PROGRAMS: [Needed; 2] = [
    Needed { program: "prometheus", package: "prometheus" },
    Needed { program: "promtool", package: "prometheus" },
];

const START_LIMIT: Duration = Duration::from_secs(30);

/// How often it scrapes and judges.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Beside programs as they are measured otherwise.
    Calm,
    /// For alerts on a faster clock.
    Fast,
}

/// One that runs; dropped, it is gone.
pub(crate) struct Prometheus {
    child: Child,
    address: SocketAddr,
    // Ended before the folder goes.
    pods: Option<Pods>,
    folder: TempDir,
}

/// Sees to it that it is there, with `promtool`, which tests the alerts.
pub(crate) fn ensure() -> Result<()> {
    step::run("Prometheus", |_| {
        let installed = apt::ensure(&PROGRAMS)?;
        if !installed.is_empty() {
            // Debian starts one for the machine, which nobody asked for. Where nothing starts services there is none.
            let _ = Cmd::new("systemctl").args(["disable", "--now", "prometheus"]).succeeds();
        }
        Ok(())
    })
}

impl Prometheus {
    /// With nothing to do: it reads rules from `rules` in its folder once it is told to, and what to scrape from
    /// `targets` as soon as it is there.
    pub(crate) fn start(pace: Pace) -> Result<Self> {
        Self::start_in(folder()?, pace)
    }

    /// One that judges the chart's alerts, and scrapes the system's pods as a `PodMonitor` of the chart does.
    pub(crate) fn of(cluster: &Cluster) -> Result<Self> {
        let folder = folder()?;
        let rules = paths::repository().join("helm/kubeopencode/rules/kubeopencode.yaml");
        fs::copy(rules, folder.path().join("rules/kubeopencode.yaml"))?;
        let mut started = Self::start_in(folder, Pace::Calm)?;
        started.pods = Some(Pods::follow(cluster, &started.folder().join("targets"))?);
        Ok(started)
    }

    fn start_in(folder: TempDir, pace: Pace) -> Result<Self> {
        let config = folder.path().join("prometheus.yml");
        fs::write(&config, configuration(folder.path(), pace))?;
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let log = folder.path().join("log");
        let file = File::create(&log)?;
        // The kernel ends it with this process, however that ends.
        let child =
            Command::new(which("setpriv").context("setpriv is missing: install util-linux")?)
                .args(["--pdeathsig", "KILL", "--", "prometheus"])
                .arg(format!("--config.file={}", config.display()))
                .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
                .arg(format!("--web.listen-address={address}"))
                .arg("--web.enable-lifecycle")
                .stdin(Stdio::null())
                .stdout(file.try_clone()?)
                .stderr(file)
                .spawn()
                .context("prometheus does not start")?;
        let started = Self { child, address, folder, pods: None };
        wait::until("Prometheus to be ready", START_LIMIT, || {
            Ok(Cmd::new("promtool").args(["query", "instant", &started.url(), "1"]).succeeds())
        })
        .with_context(|| last_lines(&fs::read_to_string(log).unwrap_or_default()))?;
        Ok(started)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // One that has ended by itself needs neither.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What it reads is in there, and what it writes.
fn folder() -> Result<TempDir> {
    let folder = tempfile::tempdir()?;
    for name in ["rules", "targets"] {
        fs::create_dir(folder.path().join(name))?;
    }
    Ok(folder)
}

/// YAML is a superset of JSON. Debian's Prometheus is built without the discovery of pods: targets are in files.
fn configuration(folder: &Path, pace: Pace) -> String {
    // A scrape that is late has failed, and an alert begins anew: on a busy machine that takes seconds.
    let (scrape, evaluation) = match pace {
        Pace::Calm => ("5s", "5s"),
        Pace::Fast => ("3s", "1s"),
    };
    let config = json!({
        "global": {
            "scrape_interval": scrape,
            "scrape_timeout": scrape,
            "evaluation_interval": evaluation,
        },
        "rule_files": [folder.join("rules/*.yaml")],
        "scrape_configs": [{
            "job_name": "kubeopencode",
            "file_sd_configs": [{ "files": [folder.join("targets/*.json")] }],
        }],
    });
    config.to_string()
}
