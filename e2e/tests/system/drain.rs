//! New versions of gateway and broker are rolled out under the guests' hands.

use anyhow::Result;
use api_types::names::{BROKER_SERVICE, SERVER_SERVICE};
use e2e::{
    cluster::Space,
    guest::{PATIENCE, at_work},
    http, pods, rollout,
};

#[tokio::test]
async fn a_rollout_of_the_gateway_makes_the_page_reconnect_by_itself() -> Result<()> {
    survives(SERVER_SERVICE, "gateway").await
}

#[tokio::test]
async fn a_rollout_of_the_broker_makes_the_page_reconnect_by_itself() -> Result<()> {
    survives(BROKER_SERVICE, "terminal-broker").await
}

async fn survives(deployment: &str, component: &str) -> Result<()> {
    let space = Space::new("drain").await?;
    let (token, guest) = at_work(&space, "afloat", &[]).await?;
    let pod = pods::of_agent(&space, "afloat").await?;
    let before = pods::of_component(&space.client, component).await?;

    // Other visitors come all the while, and none is refused.
    let path = format!("/s/{token}/info");
    let visits = async {
        loop {
            let status = http::get(&path, &[]).await?.status;
            anyhow::ensure!(status == 200, "a visitor was answered {status}");
        }
    };
    tokio::select! {
        biased;
        done = Box::pin(rollout::restart(&space.client, deployment)) => done?,
        refused = visits => refused?,
    }

    let after = pods::of_component(&space.client, component).await?;
    assert!(before.iter().all(|pod| !after.contains(pod)), "{before:?}, then {after:?}");
    guest.types("still here").await?;
    guest.shows("still here", PATIENCE).await?;
    // One terminal: a screen and its program, and nothing of the session before.
    assert_eq!(pods::terminals(&space, &pod).await?.len(), 2);
    space.delete().await
}
