//! Writes what the controller sets on an Agent itself: its status, and the label of its
//! template. It must not write where nothing differs: an idle agent costs no request.

use api_types::{Agent, AgentStatus, labels, names::FIELD_MANAGER};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::error::ControllerError;

/// Fields of the status that others may have written: not ours to claim.
const FOREIGN: [&str; 3] = ["idleSince", "gitSyncStatuses", "taskStartHistory"];

/// Writes the status unless the agent has it already.
pub async fn publish_status(
    agents: &Api<Agent>,
    agent: &Agent,
    new: &AgentStatus,
) -> Result<(), ControllerError> {
    if agent.status.as_ref().is_some_and(|old| sorted(old) == sorted(new)) {
        return Ok(());
    }
    let kind = Agent::kind(&());
    let mut status = serde_json::to_value(new)
        .map_err(|source| ControllerError::Json { kind: kind.to_string(), source })?;
    if let Value::Object(fields) = &mut status {
        fields.retain(|field, _| !FOREIGN.contains(&field.as_str()));
    }
    let body = json!({
        "apiVersion": Agent::api_version(&()),
        "kind": kind,
        "metadata": { "name": agent.name_any(), "uid": agent.uid() },
        "status": status,
    });
    let params = PatchParams::apply(FIELD_MANAGER).force();
    let written = agents.patch_status(&agent.name_any(), &params, &Patch::Apply(&body)).await;
    ignore_deleted(written, agent, "patch the status of")
}

/// Labels the Agent with its template, so that a template's users can be listed.
pub async fn label_template(agents: &Api<Agent>, agent: &Agent) -> Result<(), ControllerError> {
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
    let written = agents.patch_metadata(&agent.name_any(), &params, &Patch::Merge(&body)).await;
    ignore_deleted(written, agent, "label")
}

fn ignore_deleted<T>(
    written: Result<T, kube::Error>,
    agent: &Agent,
    action: &'static str,
) -> Result<(), ControllerError> {
    match written {
        Ok(_) => Ok(()),
        // The agent was deleted, or replaced by another one of its name.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
        Err(error) => {
            Err(ControllerError::request(action, Agent::kind(&()), agent.name_any())(error))
        }
    }
}

/// The server may keep conditions in another order.
fn sorted(status: &AgentStatus) -> AgentStatus {
    let mut status = status.clone();
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    status
}
