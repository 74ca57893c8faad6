//! Writes what the controller sets on an Agent itself: its status, and the label of its
//! template. It must not write where nothing differs: an idle agent costs no request.

use api_types::{Agent, AgentStatus, labels, names::FIELD_MANAGER};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::ObjectMeta,
};
use serde_json::{Map, Value, json};

use crate::{
    error::ControllerError,
    guard::{Guarded, Unreadable},
};

/// Fields of the status that others may have written: not ours to claim.
const FOREIGN: [&str; 3] = ["idleSince", "gitSyncStatuses", "taskStartHistory"];

/// Writes the status unless the agent has it already.
pub async fn publish_status(
    agents: &Api<Guarded<Agent>>,
    agent: &Agent,
    new: &AgentStatus,
) -> Result<(), ControllerError> {
    if agent.status.as_ref().is_some_and(|old| sorted(old) == sorted(new)) {
        return Ok(());
    }
    let json = |source| ControllerError::Json { kind: Agent::kind(&()).to_string(), source };
    let status = serde_json::to_value(new).and_then(serde_json::from_value).map_err(json)?;
    apply_status(agents, &agent.metadata, status).await
}

/// Writes what the status of an agent that cannot be read is, if it differs from the one it has.
pub async fn publish_unreadable(
    agents: &Api<Guarded<Agent>>,
    agent: &Unreadable,
    status: Option<Map<String, Value>>,
) -> Result<(), ControllerError> {
    match status {
        Some(status) => apply_status(agents, &agent.metadata, status).await,
        None => Ok(()),
    }
}

/// Needs only the agent's identity.
async fn apply_status(
    agents: &Api<Guarded<Agent>>,
    agent: &ObjectMeta,
    mut status: Map<String, Value>,
) -> Result<(), ControllerError> {
    status.retain(|field, _| !FOREIGN.contains(&field.as_str()));
    let body = json!({
        "apiVersion": Agent::api_version(&()),
        "kind": Agent::kind(&()),
        "metadata": { "name": agent.name, "uid": agent.uid },
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let name = agent.name.as_deref().unwrap_or_default();
    let written = agents.patch_status(name, &params, &Patch::Apply(&body)).await;
    ignore_deleted(written, name, "patch the status of")
}

/// Labels the Agent with its template, so that a template's users can be listed.
pub async fn label_template(
    agents: &Api<Guarded<Agent>>,
    agent: &Agent,
) -> Result<(), ControllerError> {
    let wanted = agent.spec.template_ref.as_ref().map(|template| template.name.as_str());
    let held = agent.labels().get(labels::AGENT_TEMPLATE).map(String::as_str);
    if wanted == held {
        return Ok(());
    }
    // A merge patch: a null removes the label, no matter who set it.
    let body = json!({
        "metadata": { "uid": agent.uid(), "labels": { labels::AGENT_TEMPLATE: wanted } },
    });
    let params =
        PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
    // Not `patch_metadata`: the response would hold the managed fields, read to all their depth.
    let written = agents.patch(&agent.name_any(), &params, &Patch::Merge(&body)).await;
    ignore_deleted(written, &agent.name_any(), "label")
}

fn ignore_deleted<T>(
    written: Result<T, kube::Error>,
    agent: &str,
    action: &'static str,
) -> Result<(), ControllerError> {
    match written {
        Ok(_) => Ok(()),
        // The agent was deleted, or replaced by another one of its name.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => Err(ControllerError::request(action, Agent::kind(&()), agent)(error)),
    }
}

/// The server may keep conditions in another order.
fn sorted(status: &AgentStatus) -> AgentStatus {
    let mut status = status.clone();
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    status
}
