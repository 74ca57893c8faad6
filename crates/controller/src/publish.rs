//! Writes what the controller sets on Agents and templates themselves: their status, and the label
//! of an Agent's template. It must not write where nothing differs: an idle agent costs no request.

use api_types::{Agent, AgentStatus, labels, names::FIELD_MANAGER};
use kube::{
    Api, Resource, ResourceExt,
    api::{Patch, PatchParams},
    core::ObjectMeta,
    runtime::reflector::ObjectRef,
};
use serde_json::{Map, Value, json};

use crate::{
    error::ControllerError,
    guard::{Guarded, Watched},
    held::{self, Digest},
    refusal::Refusal,
    spans,
};
use unseen::Unseen;

mod unseen;

/// The fields of the status that are written, and `null` where they are unset: others may have
/// written the rest of it.
const FIELDS: [&str; 10] = [
    "observedGeneration",
    "conditions",
    "deploymentName",
    "serviceName",
    "url",
    "ready",
    "suspended",
    "idleSince",
    "gitSyncStatuses",
    "share",
];
/// The same, of the share links.
const SHARE_FIELDS: [&str; 6] =
    ["secretName", "active", "url", "tokenLookup", "tokenProof", "links"];

/// Writes to Agents what they do not have already, as far as watches or our own last writes tell.
#[derive(Default)]
pub struct Publisher {
    /// Digests of statuses.
    statuses: Unseen<Digest>,
    /// Names of templates.
    templates: Unseen<Option<String>>,
}

impl Publisher {
    pub async fn publish_status(
        &self,
        agents: &Api<Guarded<Agent>>,
        agent: &Agent,
        new: &AgentStatus,
    ) -> Result<(), ControllerError> {
        let sorted_new = sorted(new);
        let is_there = match self.statuses.newest(agent) {
            Some(written) => written == digest(&sorted_new)?,
            None => agent.status.as_ref().is_some_and(|old| sorted(old) == sorted_new),
        };
        if is_there {
            return Ok(());
        }
        let written = patch_status(agents, &agent.metadata, Some(patch_of(new)?)).await?;
        if let Some(written) = written {
            self.statuses.written(agent, &written, digest(&sorted_new)?);
        }
        Ok(())
    }

    /// Labels the Agent with its template, so that a template's users can be listed.
    pub async fn label_template(
        &self,
        agents: &Api<Guarded<Agent>>,
        agent: &Agent,
    ) -> Result<(), ControllerError> {
        let wanted = agent.spec.template_ref.as_ref().map(|template| template.name.clone());
        let held = || agent.labels().get(labels::AGENT_TEMPLATE).cloned();
        if wanted == self.templates.newest(agent).unwrap_or_else(held) {
            return Ok(());
        }
        // A merge patch: a null removes the label, no matter who set it.
        let body = json!({
            "metadata": { "uid": agent.uid(), "labels": { labels::AGENT_TEMPLATE: wanted } },
        });
        // Not `patch_metadata`: the response would hold the managed fields, read to all their depth.
        let written = agents.patch(&agent.name_any(), &params(), &Patch::Merge(&body)).await;
        match written {
            // Only a convenience: a rule that forbids it must not keep the agent from being reconciled.
            Err(kube::Error::Api(status)) if Refusal::of(&status).is_some() => {
                let (name, message) = (agent.name_any(), &status.message);
                tracing::warn!(name, message, "cannot label the agent with its template");
            }
            written => {
                let written = ignore_deleted::<Agent, _>(written, &agent.name_any(), "label")?;
                if let Some(written) = written {
                    self.templates.written(agent, &written, wanted);
                }
            }
        }
        Ok(())
    }

    /// The agent is gone.
    pub fn forget(&self, agent: &ObjectRef<Agent>) {
        self.statuses.forget(agent);
        self.templates.forget(agent);
    }
}

fn digest(status: &AgentStatus) -> Result<Digest, ControllerError> {
    Ok(held::hash(to_json(status)?))
}

fn to_json(status: &AgentStatus) -> Result<Value, ControllerError> {
    let error = |source| ControllerError::Json { kind: Agent::kind(&()).to_string(), source };
    serde_json::to_value(status).map_err(error)
}

fn patch_of(new: &AgentStatus) -> Result<Map<String, Value>, ControllerError> {
    let mut status = to_json(new)?;
    let mut patch: Map<_, _> =
        FIELDS.iter().map(|field| ((*field).to_owned(), status[*field].take())).collect();
    if let Some(Value::Object(share)) = patch.get_mut("share") {
        for field in SHARE_FIELDS {
            share.entry(field).or_insert(Value::Null);
        }
    }
    Ok(patch)
}

/// Merges fields into the status of an object, where there are any to change, and returns what the API server
/// holds then.
///
/// Not by server-side apply: that keeps what former managers set, such as conditions of types that
/// nobody renews, and fails on an object that does not fit the schema of today. Of the rest of the
/// object nothing is sent but its identity, so that no rule is broken by what a user wrote before
/// there was that rule.
pub async fn patch_status<K: Watched>(
    objects: &Api<Guarded<K>>,
    object: &ObjectMeta,
    status: Option<Map<String, Value>>,
) -> Result<Option<Guarded<K>>, ControllerError> {
    let Some(status) = status else { return Ok(None) };
    let body = json!({ "metadata": { "uid": object.uid }, "status": status });
    let name = object.name.as_deref().unwrap_or_default();
    let span = spans::publish(&K::kind(&()), name);
    let written = objects.patch_status(name, &params(), &Patch::Merge(&body)).await;
    spans::answered(&span, &written);
    ignore_deleted::<K, _>(written, name, "patch the status of")
}

fn params() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}

fn ignore_deleted<K: Watched, T>(
    written: Result<T, kube::Error>,
    name: &str,
    action: &'static str,
) -> Result<Option<T>, ControllerError> {
    match written {
        Ok(written) => Ok(Some(written)),
        // The object was deleted, or replaced by another one of its name.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(None),
        Err(error) => Err(ControllerError::request(action, K::kind(&()), name)(error)),
    }
}

/// The server may keep conditions in another order.
fn sorted(status: &AgentStatus) -> AgentStatus {
    let mut status = status.clone();
    status.conditions.sort_by(|a, b| a.type_.cmp(&b.type_));
    status
}

#[cfg(test)]
mod tests {
    use api_types::{AgentSpec, Condition, ShareStatus};

    use super::*;
    use crate::{fake_api::FakeApi, fixture::agent};

    /// Kept for others, who may have written it.
    fn started() -> Value {
        json!({ "taskName": "a", "taskNamespace": "team-a", "startTime": "2026-11-21T12:00:00Z" })
    }

    /// An agent as a former controller, and clients, left it.
    async fn published(status: &AgentStatus) -> Value {
        let api = FakeApi::default();
        let mut old = serde_json::to_value(agent(AgentSpec::default())).unwrap();
        old["spec"]["retired"] = json!({ "field": 1 });
        old["status"] = json!({
            "idleSince": "2026-11-21T12:00:00Z",
            "taskStartHistory": [started()],
            "url": "http://demo",
            "share": { "active": true, "tokenLookup": "a", "tokenProof": "b" },
            "conditions": [{ "type": "Queued", "status": "True", "reason": "Quota", "message": "",
                             "lastTransitionTime": "2026-11-21T12:00:00Z" }],
        });
        api.put("agents/demo", &old);
        let agents = Api::namespaced(api.client("controller"), "team-a");
        let agent: Guarded<Agent> = serde_json::from_str(&old.to_string()).unwrap();
        let publisher = Publisher::default();
        publisher.publish_status(&agents, &agent.0.unwrap(), status).await.unwrap();
        let written = api.get("agents/demo").unwrap();
        assert_eq!(written["spec"], old["spec"], "of the spec nothing is sent");
        written["status"].clone()
    }

    #[tokio::test]
    async fn what_is_ours_is_replaced_and_what_is_not_is_left() {
        let condition = serde_json::from_value::<Condition>(json!({
            "type": "Ready", "status": "True", "reason": "ServerReady", "message": "",
            "lastTransitionTime": "2026-11-21T12:00:00Z",
        }));
        let share = Some(ShareStatus::default());
        let new = AgentStatus { conditions: vec![condition.unwrap()], share, ..Default::default() };
        let written = published(&new).await;
        let expected = json!({
            "taskStartHistory": [started()],
            "ready": false,
            "suspended": false,
            "share": { "active": false },
            "conditions": [{ "type": "Ready", "status": "True", "reason": "ServerReady",
                             "message": "", "lastTransitionTime": "2026-11-21T12:00:00Z" }],
        });
        assert_eq!(written, expected);
        assert_eq!(published(&AgentStatus::default()).await.get("share"), None);
    }

    #[tokio::test]
    async fn a_cache_that_is_behind_our_own_write_causes_no_second_one() {
        let api = FakeApi::default();
        let mut stored = serde_json::to_value(agent(AgentSpec::default())).unwrap();
        stored["metadata"]["labels"] = json!({ labels::AGENT_TEMPLATE: "gone" });
        api.put("agents/demo", &stored);
        let cached =
            || -> Agent { serde_json::from_value(api.get("agents/demo").unwrap()).unwrap() };
        let (publisher, before) = (Publisher::default(), cached());
        let agents = Api::namespaced(api.client("controller"), "team-a");
        let ready = |ready| AgentStatus { ready, ..AgentStatus::default() };
        let requests = async |agent: &Agent, status: &AgentStatus| {
            publisher.publish_status(&agents, agent, status).await.unwrap();
            publisher.label_template(&agents, agent).await.unwrap();
            api.take_requests().len()
        };
        assert_eq!(requests(&before, &ready(true)).await, 2, "status and label");
        assert_eq!(requests(&before, &ready(true)).await, 0);
        assert_eq!(requests(&before, &ready(false)).await, 1, "another status");
        assert_eq!(requests(&before, &ready(false)).await, 0);
        // The watch has caught up: what it tells is all that counts, and nothing is kept.
        let now = cached();
        assert_eq!(requests(&now, &ready(false)).await, 0);
        assert!(publisher.statuses.is_empty() && publisher.templates.is_empty());
    }

    #[test]
    fn every_field_is_published_but_those_that_are_others() {
        let empty = serde_json::to_value(AgentStatus::default()).unwrap();
        let all = json!({
            "observedGeneration": 1, "conditions": [], "deploymentName": "d", "serviceName": "s",
            "url": "u", "idleSince": "2026-11-21T12:00:00Z", "ready": true, "suspended": true,
            "gitSyncStatuses": [{ "name": "code" }], "share": { "active": true },
            "taskStartHistory": [],
        });
        let read: AgentStatus = serde_json::from_value(all.clone()).unwrap();
        assert_ne!(serde_json::to_value(read).unwrap(), empty);
        let names = all.as_object().unwrap().keys();
        let kept: Vec<_> = names.filter(|name| !FIELDS.contains(&name.as_str())).collect();
        assert_eq!(kept, ["taskStartHistory"]);
    }
}
