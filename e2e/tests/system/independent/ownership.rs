//! What belongs to an agent goes with it; what belongs to somebody else is left alone.

use std::time::Duration;

use anyhow::Result;
use api_types::{Agent, condition, labels, names};
use e2e::{agents, cluster::Space, kubeoc, waiting};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::{ConfigMap, Pod, Secret, Service},
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
};
use serde_json::json;

#[tokio::test]
async fn deleting_an_agent_leaves_nothing_behind() -> Result<()> {
    let space = Space::new("delete").await?;
    agents::ready(&space, "gone", json!({})).await?;
    kubeoc::share(&space, "gone", &[]).await?;
    assert!(!left(&space, "gone").await?.is_empty());

    let agents: Api<Agent> = space.api();
    agents.delete("gone", &DeleteParams::default()).await?;

    waiting::until("nothing is left of the agent", Duration::from_secs(90), || async {
        Ok(left(&space, "gone").await?.is_empty().then_some(()))
    })
    .await?;
    space.delete().await
}

/// Kind and name of every object with the agent's label.
async fn left(space: &Space, agent: &str) -> Result<Vec<String>> {
    let list = ListParams::default().labels(&format!("{}={agent}", labels::AGENT));
    let mut found = Vec::new();
    macro_rules! add {
        ($($kind:ty),*) => {$(
            let api: Api<$kind> = space.api();
            let name = |object: &$kind| format!("{}/{}", stringify!($kind), object.name_any());
            found.extend(api.list(&list).await?.items.iter().map(name));
        )*};
    }
    add!(Deployment, ReplicaSet, Pod, Service, Secret, ConfigMap);
    Ok(found)
}

#[tokio::test]
async fn a_strangers_secret_of_the_same_name_is_neither_adopted_nor_deleted() -> Result<()> {
    let space = Space::new("stranger").await?;
    let secrets: Api<Secret> = space.api();
    let name = names::share_secret("host");
    let stranger: Secret = serde_json::from_value(json!({
        "metadata": { "name": name },
        "stringData": { "token": "mine" },
    }))?;
    let before = secrets.create(&PostParams::default(), &stranger).await?;

    agents::create(&space, "host", json!({ "share": { "enabled": true } })).await?;
    let conflict = |agent: &Agent| {
        agents::condition_of(agent, condition::READY)
            .is_some_and(|(status, reason)| status == "False" && reason == "NameConflict")
    };
    let agent = Box::pin(agents::wait(&space, "host", "in conflict", conflict)).await?;
    let message = agent.status.unwrap_or_default().conditions;
    assert!(message.iter().any(|condition| condition.message.contains(&name)), "{message:?}");

    let agents: Api<Agent> = space.api();
    agents.delete("host", &DeleteParams::default()).await?;
    waiting::until("the agent is gone", Duration::from_mins(1), || async {
        Ok(agents.get_opt("host").await?.is_none().then_some(()))
    })
    .await?;
    let after = secrets.get(&name).await?;
    assert_eq!(after.resource_version(), before.resource_version());
    space.delete().await
}
