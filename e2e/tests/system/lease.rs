//! Of two controllers one leads. The other takes over within seconds when it ends or hangs, no agent notices, and one
//! that hung writes nothing any more.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use api_types::names::{CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE};
use e2e::{
    agents,
    cluster::{PATIENCE, Space},
    pods,
    processes::Processes,
    rollout, settings, waiting,
};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::Pod};
use kube::{Api, ResourceExt, api::DeleteParams};
use scale::{
    access::CONTROLLER,
    audit::{Audit, Purpose},
};
use serde_json::json;

/// One that ends releases the lease, and the other looks at it each 3 s.
const HANDED_OVER: Duration = Duration::from_secs(5);
/// A lease of 15 s, and a look at it each 3 s.
const TAKEN_OVER: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_second_controller_takes_over_and_no_agent_notices() -> Result<()> {
    let space = Space::new("lease").await?;
    agents::ready(&space, "steady", json!({})).await?;
    let pod = pods::of_agent(&space, "steady").await?;
    let before = life(&space, &pod).await?;
    rollout::scale(&space.client, CONTROLLER_DEPLOYMENT, 2).await?;
    let led = async {
        after_an_end(&space).await?;
        rollout::finished(&rollout::deployments(&space.client), CONTROLLER_DEPLOYMENT).await?;
        after_a_hang(&space).await
    };
    let led = led.await;
    rollout::scale(&space.client, CONTROLLER_DEPLOYMENT, 1).await?;
    led?;
    ensure!(life(&space, &pod).await? == before, "the agent's pod is another, or was restarted");
    space.delete().await
}

/// An ordered end, as by a rollout or a drained node.
async fn after_an_end(space: &Space) -> Result<()> {
    let first = leader(space).await?.context("nobody leads")?;
    controllers(space).delete(&first, &DeleteParams::default()).await?;
    another_leads(space, &first, HANDED_OVER).await
}

/// A process that stops in the middle of whatever it does, as on a machine that hangs, and goes on once another leads.
async fn after_a_hang(space: &Space) -> Result<()> {
    let first = leader(space).await?.context("nobody leads")?;
    let pod = controllers(space).get(&first).await?;
    let hanging = Processes::of_pods("controller", std::slice::from_ref(&pod))?.freeze()?;
    another_leads(space, &first, TAKEN_OVER).await?;
    let mut audit = Audit::of(CONTROLLER.user(), &settings::audit_log()?)?;
    audit.new_requests()?;
    // Work that both would do, and that the first is told of by its watches as soon as it goes on.
    agents::ready(space, "born-later", json!({})).await?;
    drop(hanging);
    waiting::until("the first has ended by itself", PATIENCE, || async {
        let now = controllers(space).get(&first).await?;
        Ok((restarts(&now) > restarts(&pod)).then_some(()))
    })
    .await?;
    let requests = audit.new_requests()?;
    let writers = |of: &dyn Fn(&str) -> bool| {
        requests.iter().filter(|one| one.purpose() == Purpose::Write && of(&one.pod)).count()
    };
    ensure!(writers(&|pod| pod != first) > 0, "the log shows who leads: it was really read");
    ensure!(writers(&|pod| pod == first) == 0, "two controllers wrote: {requests:#?}");
    Ok(())
}

async fn another_leads(space: &Space, first: &str, bound: Duration) -> Result<()> {
    waiting::until("another controller leads", bound, || async {
        Ok(leader(space).await?.filter(|leader| leader != first))
    })
    .await?;
    Ok(())
}

fn controllers(space: &Space) -> Api<Pod> {
    Api::namespaced(space.client.clone(), SERVER_NAMESPACE)
}

/// Which pod it is, and how often its containers were started anew.
async fn life(space: &Space, pod: &str) -> Result<(Option<String>, i32)> {
    let pod: Pod = space.api().get(pod).await?;
    Ok((pod.uid(), restarts(&pod)))
}

fn restarts(pod: &Pod) -> i32 {
    let containers =
        pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    containers.map(|container| container.restart_count).sum()
}

/// The name of the pod that leads.
async fn leader(space: &Space) -> Result<Option<String>> {
    let leases: Api<Lease> = Api::namespaced(space.client.clone(), SERVER_NAMESPACE);
    let lease = leases.get(CONTROLLER_DEPLOYMENT).await?;
    let holder = lease.spec.and_then(|spec| spec.holder_identity);
    Ok(holder.filter(|holder| !holder.is_empty()))
}
