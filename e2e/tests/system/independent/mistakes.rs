//! What a user gets wrong is a sentence in the Agent's status, and mending it is all that it takes.

use anyhow::{Context, Result};
use api_types::{Agent, AgentTemplate, condition, labels};
use e2e::{agents, cluster::Space};
use k8s_openapi::api::core::v1::{ResourceQuota, Secret, Service};
use kube::{
    Api,
    api::{DeleteParams, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

/// Waits until `Ready` is false for `reason`, and gives its sentence.
async fn refused(space: &Space, name: &str, reason: &str) -> Result<String> {
    let is_refused = |agent: &Agent| {
        agents::condition_of(agent, condition::READY)
            .is_some_and(|told| told == ("False".to_owned(), reason.to_owned()))
    };
    let agent = Box::pin(agents::wait(space, name, reason, is_refused)).await?;
    let conditions = agent.status.unwrap_or_default().conditions;
    let ready = conditions.into_iter().find(|one| one.type_ == condition::READY);
    Ok(ready.context("no condition Ready")?.message)
}

#[tokio::test]
async fn a_template_may_come_later_and_what_changes_in_it_reaches_its_agents() -> Result<()> {
    let space = Space::new("template").await?;
    let templates: Api<AgentTemplate> = space.api();
    let of_template = json!({ "templateRef": { "name": "base" }, "port": 4100 });
    agents::create(&space, "heir", of_template).await?;
    let sentence = refused(&space, "heir", "TemplateNotFound").await?;
    assert!(sentence.contains("\"base\""), "{sentence}");

    let base: AgentTemplate = serde_json::from_value(json!({
        "metadata": { "name": "base" },
        "spec": {
            "workspaceDir": "/workspace",
            "serviceAccountName": "default",
            "extraPorts": [{ "name": "web", "port": 8080 }],
        },
    }))?;
    templates.create(&PostParams::default(), &base).await?;
    let heir = Box::pin(agents::wait(&space, "heir", "Ready", agents::is_ready)).await?;
    let label = heir.metadata.labels.unwrap_or_default().remove(labels::AGENT_TEMPLATE);
    assert_eq!(label.as_deref(), Some("base"));
    assert_eq!(ports(&space, "heir").await?, [4100, 8080]);

    let change = json!({ "spec": { "extraPorts": [{ "name": "web", "port": 9090 }] } });
    templates.patch("base", &PatchParams::default(), &Patch::Merge(change)).await?;
    e2e::waiting::until("the Service has the new port", e2e::cluster::PATIENCE, || async {
        Ok((ports(&space, "heir").await? == [4100, 9090]).then_some(()))
    })
    .await?;
    space.delete().await
}

async fn ports(space: &Space, service: &str) -> Result<Vec<i32>> {
    let services: Api<Service> = space.api();
    let spec = services.get(service).await?.spec.unwrap_or_default();
    Ok(spec.ports.unwrap_or_default().iter().map(|port| port.port).collect())
}

#[tokio::test]
async fn a_secret_that_is_missing_is_named_and_its_coming_is_enough() -> Result<()> {
    let space = Space::new("secret").await?;
    let mounted = json!([{
        "name": "deploy-key", "secretRef": { "name": "deploy-key" }, "mountPath": "/home/agent/.keys",
    }]);
    agents::create(&space, "keyless", json!({ "credentials": mounted })).await?;
    let sentence = refused(&space, "keyless", "ReferenceNotFound").await?;
    assert!(
        sentence.contains("spec.credentials") && sentence.contains("\"deploy-key\""),
        "{sentence}"
    );

    let secrets: Api<Secret> = space.api();
    let key: Value = json!({ "metadata": { "name": "deploy-key" }, "stringData": { "id": "x" } });
    secrets.create(&PostParams::default(), &serde_json::from_value(key)?).await?;
    Box::pin(agents::wait(&space, "keyless", "Ready", agents::is_ready)).await?;
    space.delete().await
}

#[tokio::test]
async fn a_quota_is_reported_in_its_words_and_its_end_is_enough() -> Result<()> {
    let space = Space::new("quota").await?;
    let quotas: Api<ResourceQuota> = space.api();
    let quota: ResourceQuota = serde_json::from_value(json!({
        "metadata": { "name": "no-deployments" },
        "spec": { "hard": { "count/deployments.apps": "0" } },
    }))?;
    quotas.create(&PostParams::default(), &quota).await?;
    e2e::waiting::until("the quota counts", e2e::cluster::PATIENCE, || async {
        let status = quotas.get("no-deployments").await?.status;
        Ok(status.and_then(|status| status.used))
    })
    .await?;
    agents::create(&space, "too-many", json!({})).await?;
    let sentence = refused(&space, "too-many", "Rejected").await?;
    assert!(sentence.contains("exceeded quota: no-deployments"), "{sentence}");

    quotas.delete("no-deployments", &DeleteParams::default()).await?;
    Box::pin(agents::wait(&space, "too-many", "Ready", agents::is_ready)).await?;
    space.delete().await
}
