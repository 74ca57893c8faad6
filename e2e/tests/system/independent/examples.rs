//! Every example, and every manifest of the users' documents, is applied for real, and becomes what it asks for. All of
//! them are suspended: the cluster lacks their images, repositories and Secrets, and no pod is needed to see that the
//! controller has made everything else.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use api_types::{Agent, AgentTemplate, condition, names};
use e2e::{
    agents,
    cluster::{PATIENCE, Space},
};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Service};
use kube::{Api, runtime::wait::await_condition};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::admission;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples");
const DOCUMENTS: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/api-types/tests/fixtures/spec");
/// The template of the documents that agents of other files name.
const TEMPLATE: &str = "pod-configuration-merge-template.yaml";

#[tokio::test]
async fn every_example_is_applied_and_becomes_an_agent() -> Result<()> {
    let files = files(EXAMPLES)?;
    ensure!(files.len() == 12, "{} examples", files.len());
    for file in files {
        apply(manifests(&file)?).await.with_context(|| file.display().to_string())?;
    }
    Ok(())
}

#[tokio::test]
async fn every_manifest_of_the_documents_is_applied_and_becomes_an_agent() -> Result<()> {
    let files = files(DOCUMENTS)?;
    ensure!(files.len() == 16, "{} manifests", files.len());
    for file in files {
        let mut all = manifests(&file)?;
        match all[0].pointer("/spec/templateRef/name").cloned() {
            Some(_) => all.extend(manifests(&Path::new(DOCUMENTS).join(TEMPLATE))?),
            None if all[0]["kind"] == "AgentTemplate" => all.push(heir(&all[0])),
            None => {}
        }
        apply(all).await.with_context(|| file.display().to_string())?;
    }
    Ok(())
}

/// The YAML files of a folder, in the order of their names.
fn files(folder: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = entries.collect::<Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|ending| ending == "yaml"));
    files.sort();
    Ok(files)
}

fn manifests(file: &Path) -> Result<Vec<Value>> {
    let text = fs::read_to_string(file)?;
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    documents.map(|document| Ok(Value::deserialize(document)?)).collect()
}

/// An agent that is what its template says.
fn heir(template: &Value) -> Value {
    json!({
        "apiVersion": template["apiVersion"], "kind": "Agent", "metadata": { "name": "heir" },
        "spec": { "templateRef": { "name": template["metadata"]["name"] } },
    })
}

/// Applies what belongs together in a namespace of its own, and waits until all of it is as it should be.
async fn apply(manifests: Vec<Value>) -> Result<()> {
    let space = Space::new("example").await?;
    for mut manifest in manifests.clone() {
        if manifest["kind"] == "Agent" {
            manifest["spec"]["suspend"] = true.into();
        }
        let answer = admission::create(&space, manifest, "").await?;
        ensure!(answer.is_none(), "it was refused: {}", answer.unwrap_or_default());
    }
    for manifest in &manifests {
        let name = manifest["metadata"]["name"].as_str().context("a manifest without a name")?;
        match manifest["kind"].as_str() {
            Some("Agent") => is_made(&space, name).await?,
            Some("AgentTemplate") => is_valid(&space, name).await?,
            _ => {}
        }
    }
    space.delete().await
}

/// Its objects are there, and nothing is wrong with it but that its owner has suspended it.
async fn is_made(space: &Space, name: &str) -> Result<()> {
    let suspended = |agent: &Agent| {
        let status = agent.status.as_ref();
        let is_current = status.is_some_and(|status| {
            status.observed_generation.is_some()
                && status.observed_generation == agent.metadata.generation
                && status.deployment_name.is_some()
                && status.service_name.is_some()
        });
        let is = |kind, truth: &str, reason: &str| {
            agents::condition_of(agent, kind) == Some((truth.to_owned(), reason.to_owned()))
        };
        // Any mistake would be the reason of Ready in the place of this one.
        is_current
            && is(condition::SUSPENDED, "True", "UserRequested")
            && is(condition::READY, "False", "Suspended")
    };
    Box::pin(agents::wait(space, name, "reconciled and suspended", suspended)).await?;
    let deployments: Api<Deployment> = space.api();
    let replicas =
        deployments.get(&names::deployment(name)).await?.spec.and_then(|spec| spec.replicas);
    ensure!(replicas == Some(0), "its Deployment has {replicas:?} replicas");
    let services: Api<Service> = space.api();
    services.get(&names::service(name)).await?;
    Ok(())
}

async fn is_valid(space: &Space, name: &str) -> Result<()> {
    let valid = |template: Option<&AgentTemplate>| {
        template.is_some_and(|template| {
            let status = template.status.clone().unwrap_or_default();
            status.observed_generation == template.metadata.generation
                && status.conditions.iter().any(|one| {
                    one.type_ == condition::READY && one.status == "True" && one.reason == "Valid"
                })
        })
    };
    let valid = Box::pin(await_condition(space.api::<AgentTemplate>(), name, valid));
    timeout(PATIENCE, valid).await.with_context(|| format!("template {name} has no status"))??;
    Ok(())
}
