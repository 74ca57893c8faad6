//! A release from its installation to its end, on a real API server. There is no node: nothing becomes ready, and so
//! nothing is waited for but the last job, whose part is played with its own rights.

use std::{collections::BTreeSet, sync::LazyLock, thread};

use chart::{NAMESPACE, chart, helm_on_cluster, kubectl, root};
use serde_json::{Value, json};

use crate::admission::{READY, stored};

const AGENT: &str = "agents.kubeopencode.io";

/// `helm VERB kubeopencode`, with what is said further.
fn release(verb: &str, further: &[&str]) {
    let chart = chart();
    let of_chart: &[&str] =
        if ["uninstall", "rollback"].contains(&verb) { &[] } else { &[chart.to_str().unwrap()] };
    let outcome = helm_on_cluster(&[&[verb, "kubeopencode"], of_chart, further].concat()).unwrap();
    assert!(outcome.succeeded, "{verb}: {}", outcome.errors);
}

fn get(arguments: &[&str]) -> Value {
    let outcome = kubectl(&[&["get", "--output=json"], arguments].concat(), "").unwrap();
    assert!(outcome.succeeded, "{arguments:?}: {}", outcome.errors);
    serde_json::from_str(&outcome.output).unwrap()
}

/// Kinds and names of all that is labelled as the system's, wherever it is.
fn system() -> BTreeSet<String> {
    let kinds = "deployments,services,serviceaccounts,roles,rolebindings,clusterroles,clusterrolebindings,\
                 poddisruptionbudgets,jobs,cronjobs,crds,networkpolicies,configmaps,secrets";
    let found =
        get(&[kinds, "--all-namespaces", "--selector=app.kubernetes.io/part-of=kubeopencode"]);
    let items = found["items"].as_array().unwrap().iter();
    let name = |item: &Value| {
        format!("{} {}", item["kind"].as_str().unwrap(), item["metadata"]["name"].as_str().unwrap())
    };
    items.map(name).collect()
}

fn definitions() -> BTreeSet<String> {
    ["agents", "agenttemplates"]
        .map(|kind| format!("CustomResourceDefinition {kind}.kubeopencode.io"))
        .into()
}

fn jobs(namespace: &str) -> Vec<Value> {
    get(&["jobs", "--namespace", namespace])["items"].as_array().unwrap().clone()
}

/// An Agent in a namespace of its own.
fn make_an_agent() {
    stored(&["wait", "--for=condition=Established", "--timeout=60s", "crd", AGENT], "");
    let agent = json!({
        "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
        "metadata": { "name": "demo", "namespace": "team-a" },
        "spec": { "workspaceDir": "/workspace", "serviceAccountName": "default" },
    });
    stored(&["apply", "--server-side", "--filename", "-"], &agent.to_string());
}

/// One of the Secrets that the first job would make.
fn make_a_certificate(namespace: &str) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "kubeopencode-ca", "namespace": namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "kubeoc",
                "app.kubernetes.io/part-of": "kubeopencode",
            },
        },
    });
    stored(&["apply", "--server-side", "--filename", "-"], &secret.to_string());
}

fn uninstall(namespace: &str) {
    make_a_certificate(namespace);
    stored(&["create", "secret", "generic", "my-own", "--namespace", namespace], "");
    thread::scope(|scope| {
        scope.spawn(|| play_the_last_job(namespace));
        release("uninstall", &["--namespace", namespace]);
    });
    // It is none of ours.
    stored(&["delete", "secret", "my-own", "--namespace", namespace], "");
}

/// `kubeoc certificates remove` has tests of its own: here it is that its account suffices, and for nothing else.
fn play_the_last_job(namespace: &str) {
    let here = format!("--namespace={namespace}");
    let job = "job/kubeopencode-removal";
    stored(&["wait", "--for=create", "--timeout=60s", job, &here], "");
    let account = format!("--as=system:serviceaccount:{namespace}:kubeopencode-removal");
    for refused in [&["delete", "secret", "my-own"][..], &["get", "secrets"], &["get", "pods"]] {
        let outcome = kubectl(&[refused, &[&here, &account]].concat(), "").unwrap();
        assert!(outcome.errors.contains("forbidden"), "{refused:?}: {}", outcome.errors);
    }
    stored(&["delete", "secret", "kubeopencode-ca", &here, &account, "--wait=false"], "");
    let at = "2026-01-01T00:00:00Z";
    let condition =
        |kind: &str| json!({ "type": kind, "status": "True", "lastTransitionTime": at });
    let done = json!({ "status": {
        "startTime": at, "completionTime": at, "succeeded": 1,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
    } });
    let patch = ["patch", job, &here, "--subresource=status", "--type=merge", "--patch"];
    stored(&[&patch[..], &[&done.to_string()]].concat(), "");
}

/// One after the other: a cluster has one installation.
#[test]
fn a_release_is_installed_upgraded_and_removed_and_agents_stay() {
    LazyLock::force(&READY);
    let here = ["--namespace", "platform", "--create-namespace"];
    release("install", &here);
    make_an_agent();
    upgrades_the_programs_and_the_definitions();
    uninstall("platform");
    assert_eq!(system(), definitions(), "what stays");
    assert_eq!(get(&[AGENT, "demo", "--namespace=team-a"])["spec"]["workspaceDir"], "/workspace");

    release("install", &here);
    assert!(system().len() > 20, "installed again: {:?}", system());
    uninstall("platform");
    takes_over_what_kustomize_made();
}

fn upgrades_the_programs_and_the_definitions() {
    let before = jobs("platform");
    let values = ["--set=image.tag=v2", "--set=crds.annotations.upgraded=yes"];
    release("upgrade", &[&["--namespace", "platform"], &values[..]].concat());
    let gateway = get(&["deployment", "kubeopencode-server", "--namespace=platform"]);
    let image = &gateway["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "ghcr.io/kubeopencode/gateway:v2");
    assert_eq!(get(&["crd", AGENT])["metadata"]["annotations"]["upgraded"], "yes");
    // Another pod is another Job, and the one from before is gone.
    let after = jobs("platform");
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!(before[0]["metadata"]["name"], after[0]["metadata"]["name"]);
    release("rollback", &["--namespace", "platform"]);
}

fn takes_over_what_kustomize_made() {
    let manifests = root().join("manifests");
    let apply = ["apply", "--server-side", "--force-conflicts", "--kustomize"];
    stored(&[&apply[..], &[manifests.to_str().unwrap()]].concat(), "");
    let here = ["--namespace", NAMESPACE];
    release("install", &[&here[..], &["--take-ownership", "--force-conflicts"]].concat());
    uninstall(NAMESPACE);
    assert_eq!(system(), definitions(), "what stays");
}
