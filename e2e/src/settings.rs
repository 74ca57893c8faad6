//! What `cargo xtask test` tells the tests about the system under test.

use std::{env, path::PathBuf, time::Duration};

use anyhow::{Context, Result};
use serde_json::Value;

/// Where a guest reaches the gateway, such as `http://10.0.0.7:2746`.
pub fn gateway() -> Result<String> {
    variable("E2E_GATEWAY")
}

/// Whether this machine has a route to pods and Services: not where the gateway is published on loopback.
pub fn reaches_pods() -> Result<bool> {
    Ok(!gateway()?.starts_with("http://127."))
}

/// The API server's audit log, one JSON event a line.
pub fn audit_log() -> Result<PathBuf> {
    variable("E2E_AUDIT_LOG").map(PathBuf::from)
}

/// The kubeconfig of the cluster's administrator.
pub fn kubeconfig() -> Result<PathBuf> {
    variable("KUBECONFIG").map(PathBuf::from)
}

/// The `kubeoc` binary of this build.
pub fn kubeoc() -> Result<PathBuf> {
    variable("E2E_KUBEOC").map(PathBuf::from)
}

/// Where screenshots go.
pub fn artifacts() -> Result<PathBuf> {
    variable("E2E_ARTIFACTS").map(PathBuf::from)
}

/// The OpenCode configuration of the demo's agent, whose model is a script in the cluster.
pub fn opencode() -> Result<Value> {
    Ok(serde_json::from_str(&variable("E2E_OPENCODE")?)?)
}

/// The image of the programs that stand around agents.
pub fn services() -> Result<String> {
    variable("E2E_SERVICES")
}

/// A Prometheus that scrapes the system under test, such as `http://127.0.0.1:9091`.
pub fn prometheus() -> Result<String> {
    variable("E2E_PROMETHEUS")
}

/// Where that Prometheus reads files: rules in `rules`, and what it is to scrape in `targets`.
pub fn prometheus_folder() -> Result<PathBuf> {
    variable("E2E_PROMETHEUS_FOLDER").map(PathBuf::from)
}

/// The folder of the programs of this build, where they run without a cluster.
pub fn programs() -> Result<PathBuf> {
    variable("E2E_PROGRAMS").map(PathBuf::from)
}

/// How long an idle agent is watched.
pub fn idle() -> Result<Duration> {
    let minutes = variable("E2E_IDLE_MINUTES")?.parse().context("E2E_IDLE_MINUTES")?;
    Ok(Duration::from_mins(minutes))
}

/// How many Agents the test makes of which nothing can be made.
pub fn crowd() -> Result<usize> {
    variable("E2E_CROWD")?.parse().context("E2E_CROWD")
}

/// How often something is killed under open pages.
pub fn rounds() -> Result<usize> {
    variable("E2E_ROUNDS")?.parse().context("E2E_ROUNDS")
}

#[allow(
    clippy::disallowed_methods,
    reason = "tests have no flags; this is the one place that reads"
)]
fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| {
        format!("{name} is not set: run the end-to-end tests by `cargo xtask test`")
    })
}
