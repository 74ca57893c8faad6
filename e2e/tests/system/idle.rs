//! An agent that nobody uses costs the API server nothing.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Result, ensure};
use e2e::{
    agents,
    cluster::{LABEL, Space},
    kubeoc, settings, waiting,
};
use futures::future::try_join_all;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, api::ListParams};
use scale::{
    access::{BROKER, CONTROLLER, GATEWAY},
    audit::{Audit, Purpose},
};
use serde_json::json;

const QUIET: Duration = Duration::from_secs(5);
const SOON_QUIET: Duration = Duration::from_mins(1);

#[tokio::test]
async fn an_idle_shared_agent_costs_no_request() -> Result<()> {
    let space = Space::new("idle").await?;
    agents::ready(&space, "sleeper", json!({})).await?;
    kubeoc::share(&space, "sleeper", &[]).await?;
    others_are_gone(&space).await?;
    let path = settings::audit_log()?;
    let mut logs = [CONTROLLER, GATEWAY, BROKER]
        .into_iter()
        .map(|account| Audit::of(account.user(), &path))
        .collect::<Result<Vec<_>>>()?;
    // What the last change set off may still be under way.
    try_join_all(logs.iter_mut().map(|log| log.until_quiet(QUIET, SOON_QUIET))).await?;

    let window = settings::idle()?;
    let requests = try_join_all(logs.iter_mut().map(|log| log.during(window))).await?.concat();
    let lease = requests.iter().filter(|request| request.purpose() == Purpose::Lease).count();
    ensure!(lease > 0, "the log shows the controller's lease: it was really read");
    let mut seen = BTreeMap::<_, usize>::new();
    for request in requests {
        if request.purpose() != Purpose::Lease && request.verb != "watch" {
            *seen.entry((request.pod, request.verb, request.resource)).or_default() += 1;
        }
    }
    assert_eq!(seen, BTreeMap::new(), "requests of our services within {window:?}");
    space.delete().await
}

/// Other tests' agents still cause work while they go away.
async fn others_are_gone(space: &Space) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(space.client.clone());
    let list = ListParams::default().labels(LABEL);
    waiting::until("other tests' namespaces are gone", Duration::from_mins(3), || async {
        Ok((namespaces.list(&list).await?.items.len() == 1).then_some(()))
    })
    .await?;
    Ok(())
}
