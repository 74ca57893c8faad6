//! What is made beside Helm's own objects goes with the release, by a hook that leaves nothing of itself.

use std::collections::BTreeSet;

use chart::{NAMESPACE, Objects, render, render_values, value_sets};
use serde_json::{Value, json};

const NAME: &str = "kubeopencode-removal";

/// Objects of the hook, by their kinds.
fn hooks(objects: &Objects) -> Vec<(String, Value)> {
    let hooks =
        objects.iter().filter(|(_, o)| !o["metadata"]["annotations"]["helm.sh/hook"].is_null());
    hooks.map(|(key, object)| (key.1.clone(), object.clone())).collect()
}

fn hook(objects: &Objects, kind: &str) -> Value {
    let (_, object) = hooks(objects).into_iter().find(|(of, _)| of == kind).unwrap();
    object
}

/// In the order of the weights: the job needs the others.
#[test]
fn all_of_it_runs_after_the_release_and_leaves_nothing_whether_or_not_it_works() {
    let objects = render_values(&json!({ "networkPolicies": { "enabled": true } })).unwrap();
    let hooks = hooks(&objects);
    let kinds: Vec<_> = hooks.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["Job", "NetworkPolicy", "Role", "RoleBinding", "ServiceAccount"]);
    for (kind, object) in &hooks {
        assert_eq!(object["metadata"]["name"], NAME, "{kind}");
        let annotations = &object["metadata"]["annotations"];
        assert_eq!(annotations["helm.sh/hook"], "post-delete", "{kind}");
        let policies = annotations["helm.sh/hook-delete-policy"].as_str().unwrap();
        let policies: BTreeSet<_> = policies.split(',').collect();
        let all = ["before-hook-creation", "hook-succeeded", "hook-failed"];
        assert_eq!(policies, BTreeSet::from(all), "{kind}");
        let weight = if kind == "Job" { "0" } else { "-1" };
        assert_eq!(annotations["helm.sh/hook-weight"], weight, "{kind}");
    }
    let why = &hook(&objects, "Job")["metadata"]["annotations"]["helm.sh/hook-output-log-policy"];
    assert_eq!(why, "hook-failed");
}

#[test]
fn it_may_read_and_delete_the_secrets_of_the_certificates_and_do_nothing_else() {
    let objects = render_values(&json!({})).unwrap();
    let rules = hook(&objects, "Role")["rules"].clone();
    let role = |kind: &str, name: &str| {
        objects[&(NAMESPACE.to_owned(), kind.to_owned(), name.to_owned())].clone()
    };
    let made = &role("Role", "kubeopencode-certificates")["rules"][1]["resourceNames"];
    assert_eq!(made.as_array().unwrap().len(), 5);
    assert_eq!(
        rules,
        json!([{
            "apiGroups": [""], "resources": ["secrets"], "resourceNames": made,
            "verbs": ["get", "delete"],
        }])
    );
    let binding = hook(&objects, "RoleBinding");
    assert_eq!(binding["roleRef"]["name"], NAME);
    assert_eq!(
        binding["subjects"],
        json!([{ "kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE }])
    );
}

/// Its pod differs from the one that makes certificates by what it is told alone.
#[test]
fn its_pod_is_that_of_the_certificates_with_other_arguments() {
    for (name, path) in value_sets().unwrap() {
        let objects = render(&path).unwrap();
        let Some(mut pod) = hooks(&objects).into_iter().find(|(kind, _)| kind == "Job") else {
            continue;
        };
        let mut pod = pod.1["spec"]["template"]["spec"].take();
        let arguments = pod["containers"][0]["args"].take();
        assert_eq!(
            arguments,
            json!(["certificates", "remove", format!("--namespace={NAMESPACE}")]),
            "{name}"
        );
        assert_eq!(pod["serviceAccountName"].take(), NAME, "{name}");
        let certificates = "kubeopencode-certificates".to_owned();
        let mut made = objects[&(NAMESPACE.to_owned(), "CronJob".to_owned(), certificates)].clone();
        let mut made = made["spec"]["jobTemplate"]["spec"]["template"]["spec"].take();
        made["containers"][0]["args"].take();
        made["serviceAccountName"].take();
        assert_eq!(pod, made, "{name}");
    }
}

/// Helm waits for five minutes, and then says less than the job.
#[test]
fn it_ends_before_helm_stops_waiting() {
    let deadline =
        &hook(&render_values(&json!({})).unwrap(), "Job")["spec"]["activeDeadlineSeconds"];
    assert!(deadline.as_u64().unwrap() < 300, "{deadline}");
}

#[test]
fn nothing_of_it_is_there_where_others_make_the_certificates() {
    for mode in ["cert-manager", "existing"] {
        let values = json!({
            "certificates": { "mode": mode }, "networkPolicies": { "enabled": true },
        });
        let objects = render_values(&values).unwrap();
        assert_eq!(hooks(&objects), [], "{mode}");
        assert!(!objects.keys().any(|key| key.2 == NAME), "{mode}");
    }
}
