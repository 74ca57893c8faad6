//! Each alert fires on a real Prometheus by one fault of the real programs, and nothing else does. The programs run as
//! processes beside a control plane without a node, each fault in a namespace of its own, all at the same time. The
//! rules are those of the chart on a faster clock (`e2e::rules`): a minute is a second. `cargo xtask alerts` runs it.
#![allow(clippy::print_stderr, reason = "how long each alert took is for people")]

mod cable;
mod faults;
mod ground;
mod guests;
mod healthy;
mod site;

use std::fs;

use anyhow::{Context, Result};
use e2e::{prometheus, rules, settings};
use futures::{FutureExt, future::join_all};

use faults::Fault;
use ground::Ground;
use healthy::Healthy;

/// Comes last: it needs that nothing else runs.
const PROGRAM_MISSING: &str = "KubeOpenCodeProgramMissing";

#[tokio::test]
async fn each_alert_fires_by_one_fault_and_by_no_other() -> Result<()> {
    let folder = settings::prometheus_folder()?;
    fs::write(folder.join("rules/faster.yaml"), rules::faster(prometheus::RULES)?)?;
    prometheus::reload().await?;
    let ground = Ground::new(folder).await?;
    let healthy = Healthy::start(&ground).await?;
    let faults = faults::all(&ground, &healthy);

    let mut covered: Vec<&str> = faults.iter().map(|fault| fault.alert).collect();
    covered.push(PROGRAM_MISSING);
    covered.sort_unstable();
    let mut alerts = rules::names(prometheus::RULES)?;
    alerts.sort_unstable();
    assert_eq!(covered, alerts, "each alert has its fault");

    let faults = faults.into_iter().map(|Fault { alert, fires }| async move {
        fires.await.with_context(|| alert.to_owned()).err()
    });
    let silent = healthy.is_silent().map(|silent| silent.context("without a fault").err());
    let (mut failed, noise) = futures::join!(join_all(faults), silent);
    failed.push(noise);
    let failed: Vec<String> = failed.iter().flatten().map(|error| format!("{error:#}")).collect();
    assert_eq!(failed, [""; 0]);

    healthy.loses_its_gateway(PROGRAM_MISSING).await
}
