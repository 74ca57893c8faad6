//! Any of our processes may die: the page comes back by itself, and nothing is left running in the pod.

use std::time::Duration;

use anyhow::{Result, ensure};
use e2e::{
    cluster::Space,
    guest::{PATIENCE, PROMPT, at_work},
    pods, waiting,
};

/// How soon after its session the last process of a terminal has left the pod.
const LEFT: Duration = Duration::from_secs(5);

#[tokio::test]
async fn killed_brokers_make_the_page_reconnect_and_leave_no_process() -> Result<()> {
    survives("terminal-broker").await
}

#[tokio::test]
async fn killed_gateways_make_the_page_reconnect_and_leave_no_process() -> Result<()> {
    survives("gateway").await
}

async fn survives(component: &str) -> Result<()> {
    let space = Space::new("killed").await?;
    let (_, guest) = at_work(&space, "steady", &[]).await?;
    let pod = pods::of_agent(&space, "steady").await?;
    let before = pids(&space, &pod).await?;
    ensure!(!before.is_empty(), "an open terminal has processes");

    pods::kill(&space.client, component).await?;

    waiting::until("the old session's processes have left", LEFT, || async {
        let now = pids(&space, &pod).await?;
        Ok(before.iter().all(|pid| !now.contains(pid)).then_some(()))
    })
    .await?;
    waiting::until("a new session's process", Duration::from_mins(1), || async {
        Ok((!pids(&space, &pod).await?.is_empty()).then_some(()))
    })
    .await?;
    guest.shows(PROMPT, PATIENCE).await?;
    guest.types("still here").await?;
    guest.shows("still here", PATIENCE).await?;
    space.delete().await
}

/// The process ids of the pod's terminals; a new session has new ones.
async fn pids(space: &Space, pod: &str) -> Result<Vec<String>> {
    // The brackets keep the pattern from finding the script itself.
    let script = "for d in /proc/[0-9]*; do tr '\\0' ' ' < $d/cmdline 2>/dev/null \
                  | grep -qE '[s]creen attach|[o]pencode attach' && echo ${d#/proc/}; done; true";
    let listing = pods::exec(space, pod, &["/bin/bash", "-c", script]).await?;
    Ok(listing.lines().map(str::to_owned).collect())
}

#[tokio::test]
async fn a_closed_page_leaves_no_process() -> Result<()> {
    let space = Space::new("closed").await?;
    let (_, guest) = at_work(&space, "tidy", &[]).await?;
    let pod = pods::of_agent(&space, "tidy").await?;

    guest.page.goto("about:blank").await?;

    waiting::until("no terminal is left in the pod", LEFT, || async {
        Ok(pids(&space, &pod).await?.is_empty().then_some(()))
    })
    .await?;
    space.delete().await
}
