//! Any of our processes may die: the page comes back by itself, and nothing is left running in the pod.

use std::time::Duration;

use anyhow::{Result, ensure};
use api_types::names::BROKER_SERVICE;
use e2e::{
    cluster::Space,
    guest::{PATIENCE, PROMPT, at_work},
    pods::{self, Execs},
    rollout, waiting,
};
use serde_json::json;

/// How soon after its session the last process of a terminal has left the pod.
const LEFT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn killed_brokers_make_the_page_reconnect_and_leave_no_process() -> Result<()> {
    survives("terminal-broker", Execs::End).await
}

#[tokio::test]
async fn killed_gateways_make_the_page_reconnect_and_leave_no_process() -> Result<()> {
    survives("gateway", Execs::Stay).await
}

async fn survives(component: &str, execs: Execs) -> Result<()> {
    let space = Space::new("killed").await?;
    let (_, guest) = at_work(&space, "steady", &[]).await?;
    let pod = pods::of_agent(&space, "steady").await?;
    let before = pods::sessions(&space, &pod).await?;
    ensure!(!before.is_empty(), "an open terminal has processes");
    let terminal = pods::terminals(&space, &pod).await?;

    pods::kill(&space.client, component).await?;

    if execs == Execs::End {
        waiting::until("the old session's processes have left", LEFT, || async {
            let now = pods::sessions(&space, &pod).await?;
            Ok(before.iter().all(|pid| !now.contains(pid)).then_some(()))
        })
        .await?;
        pods::session_anew(&space, &pod, &before).await?;
    }
    guest.shows(PROMPT, PATIENCE).await?;
    guest.types("still here").await?;
    guest.shows("still here", PATIENCE).await?;
    assert_eq!(pods::terminals(&space, &pod).await?, terminal, "the terminal has gone on");
    let brokers = pods::of_component(&space.client, "terminal-broker").await?.len();
    let now = pods::sessions(&space, &pod).await?.len();
    assert!((1..=brokers).contains(&now), "{now} processes of {brokers} brokers");
    space.delete().await
}

#[tokio::test]
async fn a_closed_page_leaves_no_process() -> Result<()> {
    let space = Space::new("closed").await?;
    let idle = json!({ "name": "SCREEN_IDLE", "value": "3s" });
    let broker = (BROKER_SERVICE, "terminal-broker");
    rollout::set_variables(&space.client, broker.0, broker.1, &[idle]).await?;
    let (_, guest) = at_work(&space, "tidy", &[]).await?;
    let pod = pods::of_agent(&space, "tidy").await?;
    ensure!(!pods::terminals(&space, &pod).await?.is_empty(), "a terminal has processes");

    guest.page.goto("about:blank").await?;

    pods::left_by_all(&space, &pod, LEFT).await?;
    pods::ended(&space, &pod, LEFT).await?;
    let standard = json!({ "name": "SCREEN_IDLE", "$patch": "delete" });
    rollout::set_variables(&space.client, broker.0, broker.1, &[standard]).await?;
    space.delete().await
}
