//! Where agents may use only Secrets that are labelled for them, none runs that names another.

use api_types::{AgentSpec, labels};
use k8s_openapi::api::core::v1::Secret;
use kube::{core::PartialObjectMeta, runtime::watcher::Event};
use serde_json::{Value, json};

use super::tests::TestController;
use crate::{resolve::AgentSecrets, status::ReferenceKind};

/// Of an agent with these credentials and volumes.
fn labelled_only(spec: Value) -> TestController {
    let mut controller = TestController::of(serde_json::from_value(spec).unwrap());
    controller.defaults.secrets = AgentSecrets::Labelled;
    controller
}

fn with_keys() -> Value {
    json!({ "credentials": [{ "name": "key", "secretRef": { "name": "keys" } }] })
}

/// As the watch of the metadata tells it.
fn put(controller: &TestController, label: Option<&str>) {
    let labels = label.map(|value| json!({ labels::FOR_AGENTS: value }));
    let metadata = json!({ "name": "keys", "namespace": "team-a", "labels": labels });
    controller.api.put("secrets/keys", &json!({ "metadata": metadata, "data": { "k": "b25l" } }));
    let metadata = controller.api.get("secrets/keys").unwrap()["metadata"].clone();
    let told = serde_json::from_value::<PartialObjectMeta<Secret>>(json!({ "metadata": metadata }));
    controller.contents.note(ReferenceKind::Secret, &Event::Apply(told.unwrap()));
}

fn replicas(controller: &TestController) -> Option<u64> {
    controller.api.get("deployments/demo-server")?["spec"]["replicas"].as_u64()
}

#[tokio::test]
async fn an_agent_starts_once_its_secret_is_labelled_and_stops_once_it_is_no_more() {
    let controller = labelled_only(with_keys());
    for label in [None, Some("false")] {
        put(&controller, label);
        controller.reconcile().await;
        assert_eq!(replicas(&controller), None, "{label:?}");
        let (reason, message) = controller.ready();
        assert_eq!(reason, "SecretNotAllowed");
        let expected = "the agent is stopped, as it may use only Secrets with the label \
                        kubeopencode.io/for-agents: \"true\"; label or remove: \
                        Secret \"keys\" (spec.credentials[0].secretRef)";
        assert_eq!(message, expected);
    }
    put(&controller, Some("true"));
    controller.reconcile().await;
    assert_eq!((replicas(&controller), controller.ready().0.as_str()), (Some(1), "Progressing"));

    put(&controller, None);
    controller.reconcile().await;
    assert_eq!(replicas(&controller), Some(0));
    assert_eq!(controller.ready().0, "SecretNotAllowed");
    assert_eq!(controller.reconcile().await, [""; 0], "a stopped agent costs no request");

    put(&controller, Some("true"));
    controller.reconcile().await;
    assert_eq!(replicas(&controller), Some(1));
}

/// It may appear without the label, and a pod that waits for it would have it before anybody looks.
#[tokio::test]
async fn nothing_waits_for_a_secret_that_is_not_there_unless_it_can_do_without() {
    let controller = labelled_only(with_keys());
    controller.reconcile().await;
    assert_eq!((replicas(&controller), controller.ready().0.as_str()), (None, "SecretNotAllowed"));

    let volume = json!({ "name": "keys", "secret": { "secretName": "keys", "optional": true } });
    let controller = labelled_only(json!({ "podSpec": { "extraVolumes": [volume] } }));
    controller.reconcile().await;
    assert_eq!(replicas(&controller), Some(1));
    put(&controller, None);
    controller.reconcile().await;
    assert_eq!(replicas(&controller), Some(0), "it appeared without the label");
}

/// The containers see nothing of it; and of a `ConfigMap` nothing is asked.
#[tokio::test]
async fn a_secret_that_images_are_pulled_with_needs_no_label() {
    let controller = labelled_only(json!({
        "imagePullSecrets": [{ "name": "keys" }],
        "contexts": [{ "type": "ConfigMap", "configMap": { "name": "notes", "optional": true } }],
    }));
    put(&controller, None);
    controller.reconcile().await;
    assert_eq!(replicas(&controller), Some(1));
}

#[tokio::test]
async fn by_default_any_secret_is_used() {
    let spec: AgentSpec = serde_json::from_value(with_keys()).unwrap();
    let controller = TestController::of(spec);
    put(&controller, None);
    controller.reconcile().await;
    assert_eq!(replicas(&controller), Some(1));
}
