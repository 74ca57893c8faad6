//! Agents as users write them, and waiting until they are what they should be.

use anyhow::{Context, Result};
use api_types::{Agent, condition};
use kube::{
    Api, ResourceExt,
    api::{Patch, PatchParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    cluster::{PATIENCE, Space},
    settings,
};

/// Creates an agent that talks to the scripted endpoint; `more` is merged into its spec.
pub async fn create(space: &Space, name: &str, more: Value) -> Result<Agent> {
    let mut spec = json!({ "workspaceDir": "/workspace", "config": settings::opencode()? });
    if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
        spec.extend(more);
    }
    let agent: Agent = serde_json::from_value(json!({
        "apiVersion": "kubeopencode.io/v1alpha1",
        "kind": "Agent",
        "metadata": { "name": name },
        "spec": spec,
    }))?;
    Ok(space.api().create(&PostParams::default(), &agent).await?)
}

/// Creates an agent and waits until its server is ready.
pub async fn ready(space: &Space, name: &str, more: Value) -> Result<Agent> {
    create(space, name, more).await?;
    // On the heap: a watch's future is larger than a stack frame should be.
    Box::pin(wait(space, name, "Ready", is_ready)).await
}

/// Whether the agent's `Ready` condition holds.
pub fn is_ready(agent: &Agent) -> bool {
    condition_of(agent, condition::READY).is_some_and(|(status, _)| status == "True")
}

/// Whether the agent sleeps in standby.
pub fn is_asleep(agent: &Agent) -> bool {
    condition_of(agent, condition::SUSPENDED) == Some(("True".into(), "Standby".into()))
}

/// A condition's status and reason.
pub fn condition_of(agent: &Agent, kind: &str) -> Option<(String, String)> {
    let conditions = &agent.status.as_ref()?.conditions;
    let found = conditions.iter().find(|condition| condition.type_ == kind)?;
    Some((found.status.clone(), found.reason.clone()))
}

/// Waits by watch until `holds` of the agent.
pub async fn wait(
    space: &Space,
    name: &str,
    what: &str,
    holds: impl Fn(&Agent) -> bool,
) -> Result<Agent> {
    let agents: Api<Agent> = space.api();
    let fulfilled = |agent: Option<&Agent>| agent.is_some_and(&holds);
    let agent = timeout(PATIENCE, await_condition(agents.clone(), name, fulfilled)).await;
    if let Ok(found) = agent {
        return found?.context("the agent is gone");
    }
    let status = agents.get(name).await?.status;
    anyhow::bail!("agent {name}: not {what} within {PATIENCE:?}; its status is {status:#?}")
}

/// Merges `patch` into the agent.
pub async fn patch(space: &Space, name: &str, patch: Value) -> Result<Agent> {
    let agents: Api<Agent> = space.api();
    Ok(agents.patch(name, &PatchParams::default(), &Patch::Merge(patch)).await?)
}

/// The agent's UID.
pub fn uid(agent: &Agent) -> String {
    agent.uid().unwrap_or_default()
}
