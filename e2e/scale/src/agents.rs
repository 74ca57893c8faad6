//! Agents as plain JSON, many at once.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use api_types::{Agent, labels};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Namespace, Secret, Service},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, DynamicObject, ListParams, Patch, PatchParams, PostParams},
    core::ApiResource,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// How many requests are under way at the same time: as many as the controller's reconciles.
pub const CONCURRENCY: usize = 8;

/// Any object, as JSON: what the types do not know is compared too.
pub fn dynamic<K>(client: &Client, namespace: &str) -> Api<DynamicObject>
where
    K: kube::Resource<DynamicType = ()>,
{
    Api::namespaced_with(client.clone(), namespace, &ApiResource::erase::<K>(&()))
}

pub async fn namespace(client: &Client, name: &str) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = serde_json::from_value(json!({ "metadata": { "name": name } }))?;
    namespaces.create(&PostParams::default(), &object).await?;
    Ok(())
}

/// Creates an Agent for each name.
pub async fn create(
    client: &Client,
    namespace: &str,
    names: impl IntoIterator<Item = String>,
    spec: &Value,
) -> Result<()> {
    let agents = dynamic::<Agent>(client, namespace);
    let created = stream::iter(names).map(|name| {
        let (agents, spec) = (agents.clone(), spec.clone());
        async move { create_one(&agents, &name, spec).await.map(drop) }
    });
    created.buffer_unordered(CONCURRENCY).try_collect().await
}

pub async fn create_one(
    agents: &Api<DynamicObject>,
    name: &str,
    spec: Value,
) -> Result<DynamicObject> {
    let object = serde_json::from_value(json!({
        "apiVersion": "kubeopencode.io/v1alpha1",
        "kind": "Agent",
        "metadata": { "name": name },
        "spec": spec,
    }))?;
    agents.create(&PostParams::default(), &object).await.with_context(|| format!("agent {name}"))
}

/// Tells the control plane that the servers of a namespace's Agents run: this is the fake in place of a node. Says how
/// many there are.
pub async fn run_servers(client: &Client, namespace: &str) -> Result<usize> {
    let deployments = dynamic::<Deployment>(client, namespace);
    let made = deployments.list(&ListParams::default().labels(labels::AGENT)).await?.items;
    for deployment in &made {
        let status = json!({ "status": {
            "observedGeneration": deployment.metadata.generation,
            "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1,
        }});
        let params = PatchParams::default();
        deployments.patch_status(&deployment.name_any(), &params, &Patch::Merge(&status)).await?;
    }
    Ok(made.len())
}

/// Deletes the Agents of a namespace and what was made for them: here nothing else does so.
pub async fn delete_all(client: &Client, namespace: &str) -> Result<()> {
    let of_agents = ListParams::default().labels(labels::AGENT);
    for (kind, which) in [
        (dynamic::<Agent>(client, namespace), ListParams::default()),
        (dynamic::<Deployment>(client, namespace), of_agents.clone()),
        (dynamic::<Service>(client, namespace), of_agents.clone()),
        (dynamic::<ConfigMap>(client, namespace), of_agents.clone()),
        (dynamic::<Secret>(client, namespace), of_agents),
    ] {
        for object in kind.list(&which).await? {
            kind.delete(&object.name_any(), &DeleteParams::background()).await?;
        }
    }
    Ok(())
}

/// Edits one Agent and waits until its status is that of the edit.
pub async fn edit(agents: &Api<DynamicObject>, name: &str, bound: Duration) -> Result<Duration> {
    let started = Instant::now();
    let change = json!({ "spec": { "config": { "username": format!("{started:?}") } } });
    let edited = agents.patch(name, &PatchParams::default(), &Patch::Merge(&change)).await?;
    let wanted = edited.metadata.generation;
    loop {
        let agent = agents.get(name).await?;
        if agent.data["status"]["observedGeneration"].as_i64() >= wanted {
            return Ok(started.elapsed());
        }
        if started.elapsed() > bound {
            bail!("an edit of {name} is not reconciled within {bound:?}");
        }
        sleep(Duration::from_millis(20)).await;
    }
}
