//! What an agent uses of the user's objects makes a new pod when it changes; nothing else does.

use api_types::{AgentSpec, labels};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{core::PartialObjectMeta, runtime::watcher::Event};
use serde_json::{Value, json};

use super::tests::TestController;
use crate::{resolve::ServerPassword, status::ReferenceKind};

fn uses_both() -> AgentSpec {
    serde_json::from_value(json!({
        "contexts": [{ "type": "ConfigMap", "configMap": { "name": "notes", "key": "a" } }],
        "credentials": [{ "name": "key", "secretRef": { "name": "keys" } }],
    }))
    .unwrap()
}

fn put_notes(controller: &TestController, a: &str, b: &str, label: &str) {
    let notes = json!({
        "metadata": { "name": "notes", "namespace": "team-a", "labels": { "x": label } },
        "data": { "a": a, "b": b },
    });
    controller.api.put("configmaps/notes", &notes);
}

fn put_keys(controller: &TestController, value: &str) {
    let keys =
        json!({ "metadata": { "name": "keys", "namespace": "team-a" }, "data": { "k": value } });
    controller.api.put("secrets/keys", &keys);
}

/// What the watch of the metadata tells of an object, and how many agents that concerns.
fn tell(controller: &TestController, kind: ReferenceKind, name: &str) -> usize {
    let object = json!({ "metadata": controller.api.get(name).unwrap()["metadata"] });
    let event =
        Event::Apply(serde_json::from_value::<PartialObjectMeta<ConfigMap>>(object).unwrap());
    controller.contents.note(kind, &event).len()
}

/// Deletes an object, and gives how many agents the watch tells of it.
fn delete(controller: &TestController, kind: ReferenceKind, name: &str) -> usize {
    let object = json!({ "metadata": controller.api.get(name).unwrap()["metadata"] });
    controller.api.delete(name);
    let gone = serde_json::from_value::<PartialObjectMeta<ConfigMap>>(object).unwrap();
    controller.contents.note(kind, &Event::Delete(gone)).len()
}

fn hash(controller: &TestController) -> Value {
    let deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["spec"]["template"]["metadata"]["annotations"][labels::REFERENCES_HASH].clone()
}

async fn running() -> TestController {
    let controller = TestController::of(uses_both());
    put_notes(&controller, "one", "one", "one");
    put_keys(&controller, "b25l");
    controller.reconcile().await;
    controller
}

#[tokio::test]
async fn a_change_of_what_is_used_is_a_new_pod_once() {
    let controller = running().await;
    let before = hash(&controller);
    assert!(before.is_string());

    put_notes(&controller, "two", "one", "one");
    assert_eq!(tell(&controller, ReferenceKind::ConfigMap, "configmaps/notes"), 1);
    let requests = controller.reconcile().await;
    let reads = requests.iter().filter(|request| *request == "GET configmaps/notes").count();
    // Once for its content, and once because the agent starts: whether it exists.
    assert!((1..=2).contains(&reads), "{requests:?}");
    assert!(requests.contains(&"PATCH deployments/demo-server".to_owned()), "{requests:?}");
    let after = hash(&controller);
    assert_ne!(before, after);
    assert_eq!(tell(&controller, ReferenceKind::ConfigMap, "configmaps/notes"), 0);

    put_keys(&controller, "dHdv");
    assert_eq!(tell(&controller, ReferenceKind::Secret, "secrets/keys"), 1);
    controller.reconcile().await;
    assert_ne!(hash(&controller), after);
}

/// Nobody can tell whether the kubelet started the pod with the Secret's first content or a later
/// one: the pod that is certain to have the content of the digest is one that was made for it.
#[tokio::test]
async fn a_secret_that_appears_is_a_new_pod_once() {
    let controller = TestController::of(uses_both());
    put_notes(&controller, "one", "one", "one");
    controller.reconcile().await;
    let without = hash(&controller);
    put_keys(&controller, "b25l");
    assert_eq!(tell(&controller, ReferenceKind::Secret, "secrets/keys"), 1);
    controller.reconcile().await;
    assert_ne!(hash(&controller), without);
    assert_eq!(tell(&controller, ReferenceKind::Secret, "secrets/keys"), 0);
    let requests = controller.reconcile().await;
    assert!(!requests.iter().any(|request| request.starts_with("PATCH")), "{requests:?}");
}

/// What Kubernetes does with a pod that runs: nothing. One in its place could not start.
#[tokio::test]
async fn what_is_deleted_restarts_nothing_until_it_is_there_again() {
    let controller = running().await;
    let mut deployment = controller.api.get("deployments/demo-server").unwrap();
    deployment["status"] =
        json!({ "observedGeneration": 1, "readyReplicas": 1, "updatedReplicas": 1 });
    controller.api.put("deployments/demo-server", &deployment);
    controller.reconcile().await;
    let before = hash(&controller);
    let healthy = controller.ready();
    assert_eq!(healthy.0, "ServerReady");

    for (kind, name) in
        [(ReferenceKind::Secret, "secrets/keys"), (ReferenceKind::ConfigMap, "configmaps/notes")]
    {
        assert_eq!(delete(&controller, kind, name), 1);
        controller.reconcile().await;
        assert_eq!(hash(&controller), before, "{name}");
        let (reason, message) = controller.ready();
        assert_eq!(reason, "ServerReady");
        let named = name.split_once('/').unwrap().1;
        assert!(
            message.contains(&format!("{named:?}")) && message.contains("start again"),
            "{message}"
        );
    }

    put_notes(&controller, "one", "one", "one");
    tell(&controller, ReferenceKind::ConfigMap, "configmaps/notes");
    controller.reconcile().await;
    assert_eq!(hash(&controller), before, "the Secret is not there yet");
    put_keys(&controller, "dHdv");
    tell(&controller, ReferenceKind::Secret, "secrets/keys");
    controller.reconcile().await;
    assert_ne!(hash(&controller), before, "it holds something else");
}

#[tokio::test]
async fn a_key_that_is_missing_is_named_and_so_is_an_object_that_is() {
    let controller = TestController::of(uses_both());
    let notes =
        json!({ "metadata": { "name": "notes", "namespace": "team-a" }, "data": { "b": "" } });
    controller.api.put("configmaps/notes", &notes);
    controller.reconcile().await;
    let (reason, message) = controller.ready();
    assert_eq!(reason, "ReferenceNotFound");
    assert!(
        message.contains(r#"no key "a" in ConfigMap "notes" (spec.contexts[0].configMap"#),
        "{message}"
    );
    assert!(message.contains(r#"no Secret "keys" (spec.credentials[0].secretRef)"#), "{message}");
}

/// An optional one may be missing: the pod that is to run without it is a new one.
#[tokio::test]
async fn an_optional_one_that_is_deleted_is_a_new_pod() {
    let mut spec = uses_both();
    let map = spec.contexts.as_mut().unwrap()[0].config_map.as_mut().unwrap();
    map.optional = Some(true);
    let controller = TestController::of(spec);
    put_notes(&controller, "one", "one", "one");
    put_keys(&controller, "b25l");
    controller.reconcile().await;
    let before = hash(&controller);
    assert_eq!(delete(&controller, ReferenceKind::ConfigMap, "configmaps/notes"), 1);
    controller.reconcile().await;
    assert_ne!(hash(&controller), before);
}

#[tokio::test]
async fn a_change_of_what_is_not_used_is_no_new_pod() {
    let controller = running().await;
    let before = hash(&controller);
    put_notes(&controller, "one", "two", "two");
    tell(&controller, ReferenceKind::ConfigMap, "configmaps/notes");
    let requests = controller.reconcile().await;
    assert!(!requests.iter().any(|request| request.starts_with("PATCH")), "{requests:?}");
    assert_eq!(hash(&controller), before);

    let other = json!({ "metadata": { "name": "other", "namespace": "team-a" }, "data": {} });
    controller.api.put("configmaps/other", &other);
    assert_eq!(tell(&controller, ReferenceKind::ConfigMap, "configmaps/other"), 0);
}

#[tokio::test]
async fn a_secret_cannot_be_guessed_from_its_digest() {
    let (one, two) = (running().await, running().await);
    let password = json!({
        "metadata": { "name": "demo-server", "namespace": "team-a", "uid": "s",
            "ownerReferences": [{ "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent", "name": "demo", "uid": "uid-1", "controller": true }],
            "labels": { "app.kubernetes.io/managed-by": "kubeopencode", "kubeopencode.io/agent": "demo" } },
        "data": { "password": "YW5vdGhlcg==" },
    });
    two.api.put("secrets/demo-server", &password);
    two.reconcile().await;
    assert_ne!(hash(&one), hash(&two), "the same Secret under another password");
}

/// Without a password to hash it under, a Secret's UID is known only to those who may read it.
#[tokio::test]
async fn nor_where_servers_have_no_password() {
    let hash_of = async |uid: &str, value: &str| {
        let mut controller = TestController::of(uses_both());
        controller.defaults.server_password = ServerPassword::None;
        put_notes(&controller, "one", "one", "one");
        put_keys(&controller, value);
        let mut keys = controller.api.get("secrets/keys").unwrap();
        keys["metadata"]["uid"] = json!(uid);
        controller.api.put("secrets/keys", &keys);
        controller.reconcile().await;
        hash(&controller)
    };
    let one = hash_of("1", "b25l").await;
    assert!(one.is_string());
    assert_eq!(hash_of("1", "b25l").await, one);
    assert_ne!(hash_of("2", "b25l").await, one, "the same value in another Secret");
    assert_ne!(hash_of("1", "dHdv").await, one, "another value");
}

#[tokio::test]
async fn a_password_that_servers_no_longer_have_is_deleted_with_its_last_use() {
    let mut controller = TestController::of(AgentSpec::default());
    controller.reconcile().await;
    assert!(controller.api.get("secrets/demo-server").is_some());

    controller.defaults.server_password = ServerPassword::None;
    controller.reconcile().await;
    assert!(controller.api.get("secrets/demo-server").is_none());
    let deployment = controller.api.get("deployments/demo-server").unwrap();
    assert!(!deployment.to_string().contains("OPENCODE_SERVER_PASSWORD"));
    assert_eq!(controller.reconcile().await, [""; 0], "an open server costs no request");

    let users = json!({ "metadata": { "name": "demo-server", "namespace": "team-a", "uid": "u" } });
    controller.api.put("secrets/demo-server", &users);
    controller.reconcile().await;
    assert!(controller.api.get("secrets/demo-server").is_some(), "it is not ours");
}

#[tokio::test]
async fn what_a_watch_missed_is_read_again() {
    let controller = running().await;
    put_notes(&controller, "two", "one", "one");
    let missed: Event<PartialObjectMeta<ConfigMap>> = Event::Init;
    controller.contents.note(ReferenceKind::ConfigMap, &missed);
    let before = hash(&controller);
    controller.reconcile().await;
    assert_ne!(hash(&controller), before);
}

#[tokio::test]
async fn a_key_that_no_repository_is_read_with_is_no_new_pod() {
    let spec = json!({ "contexts": [
        { "type": "Git", "mountPath": "code", "git": {
            "repository": "https://git.example/a.git", "secretRef": { "name": "keys" },
        } },
    ] });
    let controller = TestController::of(serde_json::from_value(spec).unwrap());
    let put = |data: Value| {
        let metadata = json!({ "name": "keys", "namespace": "team-a" });
        controller.api.put("secrets/keys", &json!({ "metadata": metadata, "data": data }));
        assert_eq!(tell(&controller, ReferenceKind::Secret, "secrets/keys"), 1);
    };
    controller.reconcile().await;
    assert_eq!(controller.ready().0, "ReferenceNotFound");
    put(json!({ "token": "b25l" }));
    controller.reconcile().await;
    let before = hash(&controller);
    put(json!({ "token": "b25l", "note": "b25l" }));
    controller.reconcile().await;
    assert_eq!(hash(&controller), before);
    put(json!({ "token": "dHdv", "note": "b25l" }));
    controller.reconcile().await;
    assert_ne!(hash(&controller), before);
}

#[tokio::test]
async fn another_password_of_the_server_is_a_new_pod_once_and_the_first_one_none() {
    let controller = TestController::of(AgentSpec::default());
    let restarts = || {
        let deployment = controller.api.get("deployments/demo-server").unwrap();
        deployment["spec"]["template"]["metadata"]["annotations"][labels::PASSWORD_HASH].clone()
    };
    controller.reconcile().await;
    controller.reconcile().await;
    assert_eq!(restarts(), Value::Null, "the pods of all agents are alike");
    let mut secret = controller.api.get("secrets/demo-server").unwrap();
    secret["data"] = json!({ "password": "YW5vdGhlciBvbmU=" });
    controller.api.put("secrets/demo-server", &secret);
    controller.reconcile().await;
    let first = restarts();
    assert!(first.is_string());
    let requests = controller.reconcile().await;
    assert!(!requests.iter().any(|request| request.starts_with("PATCH")), "{requests:?}");
    assert_eq!(restarts(), first);
    controller.api.delete("secrets/demo-server");
    controller.reconcile().await;
    assert_ne!(restarts(), first, "a fresh one was made");
}
