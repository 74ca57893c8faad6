use api_types::names::FIELD_MANAGER;
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret},
};
use serde_json::{Value, json};

use super::*;

fn deployment(change: impl FnOnce(&mut Value)) -> Held<Deployment> {
    let owner = |kind: &str, name: &str, controller: bool| json!({ "apiVersion": "v1", "kind": kind, "name": name, "uid": format!("uid-of-{name}"), "controller": controller });
    let annotations = json!({ "kubeopencode.io/git-revision": "{}", "other": "x" });
    let mut whole = json!({
        "metadata": {
            "name": "demo-server", "namespace": "team-a", "uid": "uid-2", "resourceVersion": "7", "generation": 2,
            "labels": { "kubeopencode.io/agent": "demo" },
            "ownerReferences": [owner("Node", "n", false), owner("Agent", "demo", true)],
        },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "a": "b" } },
            "template": { "metadata": { "annotations": annotations } },
        },
        "status": { "observedGeneration": 2, "readyReplicas": 1, "updatedReplicas": 1 },
    });
    change(&mut whole);
    Held::of(&serde_json::from_value::<Deployment>(whole).unwrap())
}

#[test]
fn of_a_deployment_is_kept_whose_it_is_and_how_far() {
    let held = deployment(|_| ());
    let identity = (&*held.namespace, &*held.name, &*held.uid, held.version, held.is_ending);
    assert_eq!(identity, ("team-a", "demo-server", "uid-2", Some(7), false));
    assert_eq!(held.agent.as_deref(), Some("demo"));
    assert!(held.is_owned_by("uid-of-demo") && !held.is_owned_by("uid-of-n"));
    assert_eq!((held.kept.stage, held.kept.revision.as_deref()), (Stage::Available, Some("{}")));
    assert_eq!((held.kept.rejection.as_deref(), held.ours), (None, None));

    let ending = deployment(|whole| {
        whole["metadata"]["deletionTimestamp"] = json!("2026-11-21T12:00:00Z");
    });
    assert!(ending.is_ending);
}

#[test]
fn an_object_without_the_label_is_its_owners_and_one_without_a_controller_nobodys() {
    let unlabelled = deployment(|whole| _ = whole["metadata"]["labels"].take());
    assert_eq!(unlabelled.agent.as_deref(), Some("demo"));
    let orphaned = deployment(|whole| _ = whole["metadata"]["ownerReferences"].take());
    assert_eq!(orphaned.agent.as_deref(), Some("demo"));
    assert!(!orphaned.is_owned_by("uid-of-demo") && !orphaned.is_owned_by(""));
}

#[test]
fn a_selector_is_compared_by_what_it_says() {
    let selector = |labels: Value| {
        deployment(|whole| whole["spec"]["selector"]["matchLabels"] = labels).kept.selector
    };
    assert_eq!(selector(json!({ "a": "b", "c": "d" })), selector(json!({ "c": "d", "a": "b" })));
    assert_ne!(selector(json!({ "a": "b" })), selector(json!({ "a": "c" })));
}

#[test]
fn the_stages_of_a_deployment() {
    let cases: [(&str, Value, Value, Stage); 6] = [
        ("all of it runs", json!(1), json!({}), Stage::Available),
        ("scaled to zero", json!(0), json!({}), Stage::Suspended),
        ("an older one runs", json!(1), json!({ "observedGeneration": 1 }), Stage::Starting),
        ("not updated", json!(1), json!({ "updatedReplicas": 0 }), Stage::Starting),
        ("not ready", json!(1), json!({ "readyReplicas": null }), Stage::Updated),
        ("replicas by default", Value::Null, json!({}), Stage::Available),
    ];
    for (name, replicas, status, expected) in cases {
        let held = deployment(|whole| {
            whole["spec"]["replicas"] = replicas;
            let all = whole["status"].as_object_mut().unwrap();
            all.extend(status.as_object().unwrap().clone());
        });
        assert_eq!(held.kept.stage, expected, "{name}");
    }
    assert_eq!(deployment(|whole| _ = whole["status"].take()).kept.stage, Stage::Starting);
}

#[test]
fn of_a_secret_only_what_is_read_is_kept_and_none_of_it_printed() {
    let secret: Secret = serde_json::from_value(json!({
        "data": { "token": "dG9rZW4=", "url": "dXJs", "other": "bw==", "password": "/w==" },
    }))
    .unwrap();
    let held = Held::of(&secret);
    let expected = Texts { token: Some("token".into()), ..Texts::default() };
    assert!(held.kept == expected, "what is no text is none");
    assert!(!format!("{held:?}").contains("token\""), "{held:?}");
}

/// Ten thousand agents have 50,000 of these.
#[test]
fn what_is_kept_of_an_object_is_small() {
    let fields = json!({ "f:data": { "f:a": {} } });
    let config_map: ConfigMap = serde_json::from_value(json!({
        "metadata": { "managedFields": [{ "manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields }] },
        "data": { "a": "b", "c": "d" },
    }))
    .unwrap();
    let held = Held::of(&config_map);
    assert_eq!(held.ours, Some(hash(json!({ "data": { "a": "b" } }))));
    assert!(size_of::<Held<ConfigMap>>() <= 160, "{}", size_of::<Held<ConfigMap>>());
    assert!(size_of::<Held<Deployment>>() <= 256, "{}", size_of::<Held<Deployment>>());
}
