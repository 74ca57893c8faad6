//! New versions of gateway and broker are rolled out under the guests' hands.

use std::time::Duration;

use anyhow::Result;
use api_types::names::{BROKER_SERVICE, SERVER_SERVICE};
use e2e::{
    cluster::Space,
    guest::{PATIENCE, PROMPT, at_work},
    http,
    pods::{self, Execs},
    rollout, waiting,
};

/// A pod's time to end, from the manifests, and what the kubelet needs.
const GRACE: Duration = Duration::from_secs(30);
/// As often as a link may be asked for in the long run, and some to spare: 600 times a minute.
const VISIT_INTERVAL: Duration = Duration::from_millis(200);

#[tokio::test]
async fn a_rollout_of_the_gateway_makes_the_page_reconnect_by_itself() -> Result<()> {
    survives(SERVER_SERVICE, "gateway", Execs::Stay).await
}

#[tokio::test]
async fn a_rollout_of_the_broker_makes_the_page_reconnect_by_itself() -> Result<()> {
    survives(BROKER_SERVICE, "terminal-broker", Execs::End).await
}

async fn survives(deployment: &str, component: &str, execs: Execs) -> Result<()> {
    let space = Space::new("drain").await?;
    let (token, guest) = at_work(&space, "afloat", &[]).await?;
    let pod = pods::of_agent(&space, "afloat").await?;
    let before = pods::of_component(&space.client, component).await?;
    let session = pods::sessions(&space, &pod).await?;

    // Other visitors come all the while, and none is refused.
    let path = format!("/s/{token}/info");
    let visits = async {
        let mut pace = tokio::time::interval(VISIT_INTERVAL);
        loop {
            pace.tick().await;
            let status = http::get(&path, &[]).await?.status;
            anyhow::ensure!(status == 200, "a visitor was answered {status}");
        }
    };
    let rolled_out = async {
        rollout::restart(&space.client, deployment).await?;
        let gone = waiting::until("the old pods are gone", GRACE, || async {
            let now = pods::of_component(&space.client, component).await?;
            Ok(before.iter().all(|pod| !now.contains(pod)).then_some(()))
        });
        gone.await.map(drop)
    };
    tokio::select! {
        biased;
        done = Box::pin(rolled_out) => done?,
        refused = visits => refused?,
    }

    if execs == Execs::End {
        pods::session_anew(&space, &pod, &session).await?;
    }
    guest.shows(PROMPT, PATIENCE).await?;
    guest.types("still here").await?;
    guest.shows("still here", PATIENCE).await?;
    let now = pods::sessions(&space, &pod).await?.len();
    let most = match execs {
        // One session, and nothing of the one before.
        Execs::End => 1,
        // The page may have come to another broker, too.
        Execs::Stay => pods::of_component(&space.client, "terminal-broker").await?.len(),
    };
    assert!((1..=most).contains(&now), "{now} processes, and not 1 to {most}");
    space.delete().await
}
