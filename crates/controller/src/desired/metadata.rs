//! Names, labels and ownership of what is made for an agent. Pure.

use std::collections::BTreeMap;

use api_types::labels;
use kube::core::ObjectMeta;

use api_types::AgentId;

/// Of an object named `name` that `agent` owns.
pub(super) fn metadata(agent: &AgentId, name: String) -> ObjectMeta {
    ObjectMeta {
        name: Some(name),
        namespace: Some(agent.namespace.clone()),
        labels: Some(labels::for_agent(&agent.name)),
        owner_references: Some(vec![agent.owner_reference()]),
        ..ObjectMeta::default()
    }
}

/// The user's labels and ours, which win.
pub(super) fn pod_labels(
    agent: &AgentId,
    users: Option<&BTreeMap<String, String>>,
) -> BTreeMap<String, String> {
    let mut all = users.cloned().unwrap_or_default();
    all.extend(labels::for_agent(&agent.name));
    all
}
