//! What of a pod is kept in memory: identity, owners, and its troubles. Pure.

use api_types::labels;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodSpec, PodStatus};

/// Those that are read.
const CONDITIONS: [&str; 3] = ["PodScheduled", "ContainersReady", "Ready"];

pub(crate) fn strip(pod: &mut Pod) {
    let metadata = &mut pod.metadata;
    (metadata.annotations, metadata.managed_fields) = (None, None);
    if let Some(all) = &mut metadata.labels {
        all.retain(|key, _| key == labels::AGENT);
    }
    pod.spec = None::<PodSpec>;
    let Some(status) = pod.status.take() else { return };
    let conditions = status.conditions.map(|mut conditions| {
        conditions.retain(|condition| CONDITIONS.contains(&condition.type_.as_str()));
        conditions
    });
    pod.status = Some(PodStatus {
        conditions,
        init_container_statuses: status.init_container_statuses.map(containers),
        container_statuses: status.container_statuses.map(containers),
        phase: status.phase,
        pod_ip: status.pod_ip,
        ..PodStatus::default()
    });
}

fn containers(statuses: Vec<ContainerStatus>) -> Vec<ContainerStatus> {
    let lean = |status: ContainerStatus| ContainerStatus {
        name: status.name,
        ready: status.ready,
        restart_count: status.restart_count,
        state: status.state,
        last_state: status.last_state,
        ..ContainerStatus::default()
    };
    statuses.into_iter().map(lean).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_pod_only_its_troubles_are_kept() {
        let waiting = json!({ "waiting": { "reason": "ErrImagePull" } });
        let mut pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "demo-1" },
            "spec": { "containers": [{ "name": "opencode-server" }] },
            "status": {
                "conditions": [{ "type": "Initialized", "status": "False" }, { "type": "PodScheduled", "status": "True" }],
                "containerStatuses": [{ "name": "opencode-server", "image": "i", "imageID": "sha256:1", "ready": false, "restartCount": 3, "state": waiting }],
                "hostIP": "10.0.0.1",
            },
        }))
        .unwrap();
        strip(&mut pod);
        let status = pod.status.as_ref().unwrap();
        assert_eq!((&pod.spec, &status.host_ip), (&None, &None));
        assert_eq!(status.conditions.as_ref().unwrap().len(), 1);
        let container = &status.container_statuses.as_ref().unwrap()[0];
        assert_eq!((container.image_id.as_str(), container.restart_count), ("", 3));
        assert_eq!(json!(container.state), waiting);
    }
}
