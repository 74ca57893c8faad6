//! A real API server takes every object of every set, strictly and without a warning, and every pod in a namespace that
//! enforces the restricted profile. Nothing is stored but what the pods need: namespaces, ServiceAccounts and the
//! definitions of others' kinds. Those are stubs (`stubs/`): they say that the kind is served, not what it may hold.

use std::{path::Path, sync::LazyLock};

use chart::{NAMESPACE, Objects, kubectl, pod_template, render, value_sets};
use serde_json::{Value, json};

const DRY_RUN: [&str; 7] = [
    "apply",
    "--server-side",
    "--force-conflicts",
    "--dry-run=server",
    "--validate=strict",
    "--filename",
    "-",
];

/// Where pods are tried: nobody installs anything there.
const PODS: &str = "pods";

/// What is there before an installation.
pub(crate) static READY: LazyLock<()> = LazyLock::new(|| {
    let stubs = Path::new(env!("CARGO_MANIFEST_DIR")).join("stubs");
    let apply = ["apply", "--server-side", "--force-conflicts", "--filename"];
    stored(&[&apply[..], &[stubs.to_str().unwrap()]].concat(), "");
    stored(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"], "");
    let labels = json!({
        "pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted",
    });
    let namespace = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name, "labels": labels },
        })
    };
    let account = |name: &str| {
        json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": { "name": name, "namespace": PODS },
        })
    };
    let accounts = ["controller", "server", "terminal-broker", "certificates", "removal"];
    let mut items: Vec<_> = [NAMESPACE, PODS, "team-a", "team-b"].map(namespace).to_vec();
    items.extend(accounts.map(|name| account(&format!("kubeopencode-{name}"))));
    stored(&[&apply[..], &["-"]].concat(), &list(&items));
});

pub(crate) fn stored(arguments: &[&str], input: &str) {
    let outcome = kubectl(arguments, input).unwrap();
    assert!(outcome.succeeded, "{arguments:?}: {}", outcome.errors);
}

fn list(items: &[Value]) -> String {
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

/// What the API server objects to, or warns of.
fn objections(input: &str) -> Option<String> {
    LazyLock::force(&READY);
    let outcome = kubectl(&DRY_RUN, input).unwrap();
    (!outcome.succeeded || outcome.errors.contains("Warning")).then_some(outcome.errors)
}

/// As the controllers of Deployments and Jobs would make them.
fn pods(objects: &Objects) -> Vec<Value> {
    let made = objects.values().filter_map(|object| {
        let mut pod = pod_template(object)?.clone();
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = object["metadata"]["name"].clone();
        pod["metadata"]["namespace"] = json!(PODS);
        Some(pod)
    });
    // The pod of the Job and that of the CronJob are the same.
    let mut pods: Vec<Value> = made.collect();
    pods.dedup_by(|a, b| a["metadata"]["name"] == b["metadata"]["name"]);
    pods
}

/// What the API server objects to in the objects that each set yields. All are tried in one go, and those that are the
/// same in several sets once: most of the time goes into asking. Which set it was is asked where there is something to say.
fn objections_to_sets(of: impl Fn(Objects) -> Vec<Value>) -> Vec<String> {
    let (mut all, mut by_set) = (Vec::new(), Vec::new());
    for (name, path) in value_sets().unwrap() {
        let objects = of(render(&path).unwrap());
        assert!(objects.len() >= 3, "{name}");
        all.extend(
            objects.iter().filter(|object| !all.contains(*object)).cloned().collect::<Vec<_>>(),
        );
        by_set.push((name, objects));
    }
    let Some(objections_to_all) = objections(&list(&all)) else { return vec![] };
    let of_sets = by_set.iter().filter_map(|(name, objects)| {
        objections(&list(objects)).map(|objections| format!("{name}: {objections}"))
    });
    of_sets.chain([objections_to_all.clone()]).collect()
}

#[test]
fn every_object_of_every_set_is_taken() {
    let refused = objections_to_sets(|objects| objects.into_values().collect());
    assert_eq!(refused, Vec::<String>::new());
}

#[test]
fn every_pod_of_every_set_is_admitted_where_the_restricted_profile_is_enforced() {
    assert_eq!(objections_to_sets(|objects| pods(&objects)), Vec::<String>::new());
}

/// The check itself.
#[test]
fn an_unknown_field_and_a_pod_that_asks_for_more_are_refused() {
    let (_, path) = value_sets().unwrap().into_iter().find(|(name, _)| name == "small").unwrap();
    let objects = render(&path).unwrap();
    let gateway = objects.values().find(|object| object["kind"] == "Deployment").unwrap();
    let mut unknown = gateway.clone();
    unknown["spec"]["replcas"] = json!(2);
    assert!(objections(&unknown.to_string()).unwrap().contains("replcas"));
    let mut rooted = pods(&objects).remove(0);
    rooted["spec"]["securityContext"]["runAsUser"] = json!(0);
    assert!(objections(&rooted.to_string()).unwrap().contains("restricted"));
}
