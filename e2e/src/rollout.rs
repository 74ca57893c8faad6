//! Restarts of the system's Deployments, as `kubectl rollout` makes and follows them.

use anyhow::Result;
use api_types::names::SERVER_NAMESPACE;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{cluster::PATIENCE, pods, waiting};

/// The system's Deployments.
pub fn deployments(client: &Client) -> Api<Deployment> {
    Api::namespaced(client.clone(), SERVER_NAMESPACE)
}

/// Replaces all pods of a Deployment, and waits until the new ones serve.
pub async fn restart(client: &Client, name: &str) -> Result<()> {
    let deployments = deployments(client);
    deployments.restart(name).await?;
    finished(&deployments, name).await
}

/// Changes the number of replicas, and waits until they are there.
pub async fn scale(client: &Client, name: &str, replicas: i32) -> Result<()> {
    let deployments = deployments(client);
    let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
    deployments.patch(name, &PatchParams::default(), &patch).await?;
    finished(&deployments, name).await
}

/// Sets environment variables of a Deployment's container, or takes them back, and waits until its pods have them.
pub async fn set_variables(
    client: &Client,
    name: &str,
    container: &str,
    variables: &[Value],
) -> Result<()> {
    let deployments = deployments(client);
    let containers = json!([{ "name": container, "env": variables }]);
    let patch = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
    deployments.patch(name, &PatchParams::default(), &Patch::Strategic(patch)).await?;
    finished(&deployments, name).await
}

/// Waits until all replicas are of the newest kind, and serve.
pub async fn finished(deployments: &Api<Deployment>, name: &str) -> Result<()> {
    waiting::until(&format!("{name} is rolled out"), PATIENCE, || async {
        Ok(is_finished(&deployments.get(name).await?).then_some(()))
    })
    .await?;
    Ok(())
}

/// Whoever looks for a program's processes next must not find those that are about to end.
pub async fn old_pods_gone(client: &Client, component: &str) -> Result<()> {
    let gone = waiting::until("the old pods are gone", PATIENCE, || async {
        let live = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(pods::list_component(client, component).await?.iter().all(live).then_some(()))
    });
    gone.await.map(|((), _took)| ())
}

fn is_finished(deployment: &Deployment) -> bool {
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    deployment.status.as_ref().is_some_and(|status| {
        status.observed_generation == deployment.metadata.generation
            && status.updated_replicas == Some(wanted)
            && status.replicas == Some(wanted)
            && status.available_replicas == Some(wanted)
    })
}
