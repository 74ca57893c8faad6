//! What of an object is kept in memory: what a reconcile reads, and no more. Pure.

use api_types::{labels, names};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{
        ConfigMap, ContainerStatus, PersistentVolumeClaim, Pod, PodSpec, PodStatus,
        PodTemplateSpec, Secret, Service,
    },
};
use kube::core::ObjectMeta;

use crate::apply::condense;

/// A kind of which less is kept than the API server sends.
pub(crate) trait Lean {
    fn strip(&mut self);
}

/// Identity, version and owners, and of the labels those that are read.
fn strip(metadata: &mut ObjectMeta) {
    metadata.annotations = None;
    if let Some(all) = &mut metadata.labels {
        all.retain(|key, _| key == labels::AGENT);
    }
}

impl Lean for ConfigMap {
    fn strip(&mut self) {
        condense(self);
        strip(&mut self.metadata);
        (self.data, self.binary_data) = (None, None);
    }
}

impl Lean for Deployment {
    fn strip(&mut self) {
        condense(self);
        strip(&mut self.metadata);
        if let Some(spec) = &mut self.spec {
            spec.template = template(&spec.template);
        }
    }
}

/// Which commits the pods are started for is known from nothing else.
fn template(whole: &PodTemplateSpec) -> PodTemplateSpec {
    let annotations = whole.metadata.as_ref().and_then(|metadata| metadata.annotations.as_ref());
    let kept = annotations.and_then(|all| all.get_key_value(labels::GIT_REVISION));
    let metadata = kept.map(|(key, value)| ObjectMeta {
        annotations: Some([(key.clone(), value.clone())].into()),
        ..ObjectMeta::default()
    });
    PodTemplateSpec { metadata, spec: None }
}

impl Lean for Service {
    fn strip(&mut self) {
        condense(self);
        strip(&mut self.metadata);
        (self.spec, self.status) = (None, None);
    }
}

impl Lean for PersistentVolumeClaim {
    fn strip(&mut self) {
        condense(self);
        strip(&mut self.metadata);
    }
}

impl Lean for Secret {
    fn strip(&mut self) {
        condense(self);
        strip(&mut self.metadata);
        let read = [names::SHARE_TOKEN_KEY, names::SERVER_PASSWORD_KEY];
        if let Some(data) = &mut self.data {
            data.retain(|key, _| read.contains(&key.as_str()));
        }
    }
}

impl Lean for Pod {
    fn strip(&mut self) {
        strip(&mut self.metadata);
        self.metadata.managed_fields = None;
        self.spec = None::<PodSpec>;
        let Some(status) = self.status.take() else { return };
        let conditions = status.conditions.map(|mut conditions| {
            conditions.retain(|condition| condition.type_ == "PodScheduled");
            conditions
        });
        self.status = Some(PodStatus {
            conditions,
            init_container_statuses: status.init_container_statuses.map(containers),
            container_statuses: status.container_statuses.map(containers),
            phase: status.phase,
            pod_ip: status.pod_ip,
            ..PodStatus::default()
        });
    }
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
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_cached_deployment_says_which_it_is_and_how_far() {
        let metadata = json!({
            "name": "demo-server", "namespace": "team-a", "uid": "uid-2", "resourceVersion": "7",
            "labels": { "kubeopencode.io/agent": "demo", "app.kubernetes.io/name": "x" },
            "annotations": { "deployment.kubernetes.io/revision": "1" },
            "managedFields": [{ "manager": "kubectl", "operation": "Update", "fieldsV1": { "f:spec": {} } }],
        });
        let revision = json!({ "annotations": { "kubeopencode.io/git-revision": "{}" } });
        let mut whole = revision.clone();
        whole["annotations"]["kubeopencode.io/context-hash"] = json!("0a");
        let containers = json!([{ "name": "opencode-server" }]);
        let template = json!({ "metadata": whole, "spec": { "containers": containers } });
        let mut deployment: Deployment = serde_json::from_value(json!({
            "metadata": metadata,
            "spec": { "replicas": 1, "selector": { "matchLabels": { "a": "b" } }, "template": template },
            "status": { "readyReplicas": 1 },
        }))
        .unwrap();
        deployment.strip();
        let kept: Value = serde_json::to_value(deployment).unwrap();
        let expected = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "demo-server", "namespace": "team-a", "uid": "uid-2", "resourceVersion": "7",
                "labels": { "kubeopencode.io/agent": "demo" },
            },
            "spec": { "replicas": 1, "selector": { "matchLabels": { "a": "b" } }, "template": { "metadata": revision } },
            "status": { "readyReplicas": 1 },
        });
        assert_eq!(kept, expected);
    }

    #[test]
    fn of_a_pod_only_its_troubles_are_kept() {
        let waiting = json!({ "waiting": { "reason": "ErrImagePull" } });
        let mut pod: Pod = serde_json::from_value(json!({
            "metadata": { "name": "demo-1" },
            "spec": { "containers": [{ "name": "opencode-server" }] },
            "status": {
                "conditions": [{ "type": "Ready", "status": "False" }, { "type": "PodScheduled", "status": "True" }],
                "containerStatuses": [{ "name": "opencode-server", "image": "i", "imageID": "sha256:1", "ready": false, "restartCount": 3, "state": waiting }],
                "hostIP": "10.0.0.1",
            },
        }))
        .unwrap();
        pod.strip();
        let status = pod.status.as_ref().unwrap();
        assert_eq!((&pod.spec, &status.host_ip), (&None, &None));
        assert_eq!(status.conditions.as_ref().unwrap().len(), 1);
        let container = &status.container_statuses.as_ref().unwrap()[0];
        assert_eq!((container.image_id.as_str(), container.restart_count), ("", 3));
        assert_eq!(json!(container.state), waiting);
    }

    #[test]
    fn of_a_secret_only_what_is_read_is_kept() {
        let mut secret: Secret = serde_json::from_value(json!({
            "data": { "token": "dG9rZW4=", "url": "dXJs", "other": "bw==" },
        }))
        .unwrap();
        secret.strip();
        assert_eq!(secret.data.unwrap().into_keys().collect::<Vec<_>>(), ["token"]);
    }
}
