//! What a Prometheus has of the system after the end-to-end tests, which it scraped all the while: the alerts can be
//! judged, and no panel of the dashboards is empty. `cargo xtask test` runs it after them.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use e2e::{cluster::PATIENCE, prometheus, waiting};
use serde::Deserialize;

/// Longer than the tests take.
const RUN: &str = "3h";
/// What a rate is over, and how often it is asked for: so that nothing between two moments is missed.
const RATE: &str = "1m";
const STEP: &str = "30s";

#[derive(Deserialize)]
struct Dashboard {
    title: String,
    panels: Vec<Panel>,
}

#[derive(Deserialize)]
struct Panel {
    title: String,
    #[serde(default)]
    targets: Vec<Query>,
}

#[derive(Deserialize)]
struct Query {
    expr: String,
}

#[tokio::test]
async fn every_replica_is_scraped() -> Result<()> {
    let expected = [
        ("kubeopencode-controller", 1),
        ("kubeopencode-server", 2),
        ("kubeopencode-terminal-broker", 2),
    ];
    let expected = expected.map(|(program, count)| (program.to_owned(), count)).into();
    // The last of the tests may have replaced some.
    let scraped = waiting::until("every replica is scraped", PATIENCE, || async {
        Ok((up().await? == expected).then_some(()))
    });
    if let Err(error) = scraped.await {
        return Err(error).context(format!("{:?} are up", up().await?));
    }
    Ok(())
}

/// How many replicas of each program answer; one that does not is none.
async fn up() -> Result<BTreeMap<String, usize>> {
    let mut up = BTreeMap::new();
    for target in prometheus::targets().await? {
        let pod = target.labels.get("pod").context("a target without a pod")?;
        let program = pod.rsplitn(3, '-').last().unwrap_or_default().to_owned();
        *up.entry(program).or_default() += usize::from(target.health == "up");
    }
    Ok(up)
}

#[tokio::test]
async fn every_alert_can_be_judged() -> Result<()> {
    let rules = prometheus::rules().await?;
    ensure!(!rules.is_empty(), "no alert was loaded");
    for rule in rules {
        ensure!(rule.health == "ok", "{rule:?}");
    }
    Ok(())
}

#[tokio::test]
async fn no_panel_is_empty() -> Result<()> {
    let (mut empty, mut count) = (Vec::new(), 0);
    for name in ["guests", "fleet"] {
        let file = format!("../helm/kubeopencode/dashboards/{name}.json");
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))?;
        let dashboard: Dashboard = serde_json::from_str(&text)?;
        for panel in dashboard.panels {
            for query in panel.targets {
                let expr = query.expr.replace("$namespace", ".*").replace("$__rate_interval", RATE);
                // At some moment there was a number: one that is none, such as the median of nothing, is not greater.
                let ever = format!("max_over_time(({expr})[{RUN}:{STEP}]) > -Inf");
                if prometheus::query(&ever).await?.is_empty() {
                    empty.push(format!("{}: {}: {}", dashboard.title, panel.title, query.expr));
                }
                count += 1;
            }
        }
    }
    ensure!(count > 40, "only {count} queries were found");
    assert_eq!(empty, [""; 0]);
    Ok(())
}
