//! Whether an agent's pod serves.

use k8s_openapi::api::core::v1::Pod;

use crate::names;

/// Whether the agent's server answers in this pod, and terminals can be opened in it.
///
/// That is not the pod's condition `Ready` alone: a sidecar that follows a repository has no rights in the cluster, and
/// ends to report what it did. Until the kubelet starts it again, up to five minutes later, the pod is not ready
/// for that reason alone. Only the kubelet's word on the containers counts for it: of a node that is lost, `Ready`
/// is taken back and nothing else.
#[must_use]
pub fn serves(pod: &Pod) -> bool {
    let Some(status) = &pod.status else { return false };
    if pod.metadata.deletion_timestamp.is_some() || status.phase.as_deref() != Some("Running") {
        return false;
    }
    let holds = |type_: &str| {
        status.conditions.iter().flatten().any(|one| one.type_ == type_ && one.status == "True")
    };
    let containers = status.container_statuses.as_deref().unwrap_or_default();
    let is_server = |name: &str| name == names::SERVER_CONTAINER;
    let mut unready = containers.iter().filter(|one| !one.ready);
    let only_sidecars_report = !holds("ContainersReady")
        && containers.iter().any(|one| is_server(&one.name) && one.ready)
        && unready.all(|one| one.name.starts_with(names::GIT_SYNC_PREFIX));
    holds("Ready") || only_sidecars_report
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(ready: (bool, bool), server: bool, sidecar: bool, change: Value) -> Pod {
        let condition = |type_: &str, holds: bool| json!({ "type": type_, "status": if holds { "True" } else { "False" } });
        let container = |name: &str, ready: bool| json!({ "name": name, "image": "", "imageID": "", "restartCount": 0, "ready": ready });
        let mut status = json!({
            "phase": "Running",
            "conditions": [condition("ContainersReady", ready.0), condition("Ready", ready.1)],
            "containerStatuses": [container("opencode-server", server), container("git-sync-0", sidecar)],
        });
        if let Value::Object(change) = change {
            status.as_object_mut().unwrap().extend(change);
        }
        serde_json::from_value(json!({ "metadata": {}, "status": status })).unwrap()
    }

    #[test]
    fn a_sidecar_that_reports_takes_no_agent_out_of_service() {
        let other = json!([
            { "name": "opencode-server", "image": "", "imageID": "", "restartCount": 0, "ready": true },
            { "name": "injected", "image": "", "imageID": "", "restartCount": 0, "ready": false },
        ]);
        let (up, down) = ((true, true), (false, false));
        let cases = vec![
            ("all is ready", pod(up, true, true, Value::Null), true),
            ("the sidecar has ended", pod(down, true, false, Value::Null), true),
            ("the server is not ready", pod(down, false, true, Value::Null), false),
            ("neither is", pod(down, false, false, Value::Null), false),
            ("its node is lost", pod((true, false), true, true, Value::Null), false),
            (
                "its node is lost, and the sidecar had ended",
                pod((true, false), true, false, Value::Null),
                false,
            ),
            (
                "another container is not",
                pod(down, true, false, json!({ "containerStatuses": other })),
                false,
            ),
            ("it has ended", pod(up, true, true, json!({ "phase": "Succeeded" })), false),
        ];
        for (name, pod, expected) in cases {
            assert_eq!(serves(&pod), expected, "{name}");
        }
        let mut ending = pod(up, true, true, Value::Null);
        ending.metadata.deletion_timestamp =
            serde_json::from_value(json!("2026-11-21T12:00:00Z")).unwrap();
        assert!(!serves(&ending));
        assert!(!serves(&Pod::default()));
    }
}
