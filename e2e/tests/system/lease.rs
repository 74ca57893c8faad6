//! Of two controllers one leads, and the other takes over when it dies.

use std::time::Duration;

use anyhow::{Context, Result};
use api_types::names::{CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE};
use e2e::{agents, cluster::Space, rollout, waiting};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kube::{Api, api::DeleteParams};
use serde_json::json;

/// A lease of 15 s, and a look at it each 3 s; twice that on busy cores.
const TAKEN_OVER: Duration = Duration::from_secs(40);

#[tokio::test]
async fn the_second_controller_takes_over_when_the_first_is_killed() -> Result<()> {
    let space = Space::new("lease").await?;
    rollout::scale(&space.client, CONTROLLER_DEPLOYMENT, 2).await?;
    let led = takes_over(&space).await;
    rollout::scale(&space.client, CONTROLLER_DEPLOYMENT, 1).await?;
    led?;
    space.delete().await
}

async fn takes_over(space: &Space) -> Result<()> {
    let pods: Api<Pod> = Api::namespaced(space.client.clone(), SERVER_NAMESPACE);
    let first = leader(space).await?.context("nobody leads")?;
    pods.delete(&first, &DeleteParams::default().grace_period(0)).await?;

    waiting::until("another controller leads", TAKEN_OVER, || async {
        Ok(leader(space).await?.filter(|leader| *leader != first))
    })
    .await?;
    agents::ready(space, "born-later", json!({})).await?;
    Ok(())
}

/// The name of the pod that leads.
async fn leader(space: &Space) -> Result<Option<String>> {
    let leases: Api<Lease> = Api::namespaced(space.client.clone(), SERVER_NAMESPACE);
    let lease = leases.get(CONTROLLER_DEPLOYMENT).await?;
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    Ok(holder.filter(|holder| !holder.is_empty()))
}
