//! The network policies open what the values name, and nothing else.

use std::collections::BTreeMap;

use chart::{NAMESPACE, render, render_values, value_sets};
use serde_json::{Value, json};

/// Namespace and name, and what is let in.
fn policies(values: &Value) -> BTreeMap<(String, String), Value> {
    let objects = render_values(values).unwrap().into_iter();
    let policies = objects.filter(|(key, _)| key.1 == "NetworkPolicy");
    policies
        .map(|((namespace, _, name), mut policy)| ((namespace, name), policy["spec"].take()))
        .collect()
}

fn of(name: &str) -> (String, String) {
    (NAMESPACE.to_owned(), name.to_owned())
}

fn component(name: &str, component: &str) -> Value {
    json!({ "matchLabels": {
        "app.kubernetes.io/name": name, "app.kubernetes.io/component": component,
    } })
}

fn namespace(name: &str) -> Value {
    json!({ "matchLabels": { "kubernetes.io/metadata.name": name } })
}

#[test]
fn none_is_there_unless_it_is_asked_for() {
    assert!(policies(&json!({})).is_empty());
}

#[test]
fn a_broker_accepts_gateways_and_controllers_and_metrics_are_for_the_monitoring_namespace() {
    let policies = policies(&json!({ "networkPolicies": { "enabled": true } }));
    let metrics = json!({
        "from": [{ "namespaceSelector": namespace("monitoring") }], "ports": [{ "port": "metrics" }],
    });
    let callers = json!([
        { "podSelector": component("kubeopencode-server", "gateway") },
        { "podSelector": component("kubeopencode-controller", "controller") },
    ]);
    assert_eq!(
        policies[&of("kubeopencode-terminal-broker")],
        json!({
            "podSelector": component("kubeopencode-terminal-broker", "terminal-broker"),
            "policyTypes": ["Ingress"],
            "ingress": [metrics, { "from": callers, "ports": [{ "port": "grpc" }] }],
        })
    );
    assert_eq!(
        policies[&of("kubeopencode-server")],
        json!({
            "podSelector": component("kubeopencode-server", "gateway"),
            "policyTypes": ["Ingress"],
            "ingress": [metrics, { "ports": [{ "port": "http" }] }],
        })
    );
    assert_eq!(policies[&of("kubeopencode-controller")]["ingress"], json!([metrics]));
    assert_eq!(policies[&of("kubeopencode-certificates")]["ingress"], Value::Null);
    assert_eq!(policies.len(), 4);
}

#[test]
fn without_a_monitoring_namespace_nobody_reads_metrics() {
    let policies = policies(&json!({ "networkPolicies": { "enabled": true, "metricsFrom": [] } }));
    for (name, policy) in policies {
        assert!(!policy.to_string().contains("metrics"), "{name:?}: {policy}");
    }
}

#[test]
fn agents_accept_the_controller_and_whom_the_values_name() {
    let peer = json!({ "ipBlock": { "cidr": "10.1.0.0/16" } });
    let agents =
        json!({ "namespaces": ["team-a", "team-b"], "from": [peer], "ports": [{ "port": 4096 }] });
    let policies = policies(&json!({ "networkPolicies": { "enabled": true, "agents": agents } }));
    for team in ["team-a", "team-b"] {
        assert_eq!(
            policies[&(team.to_owned(), "kubeopencode-agents".to_owned())],
            json!({
                "podSelector": {
                    "matchExpressions": [{ "key": "kubeopencode.io/agent", "operator": "Exists" }],
                },
                "policyTypes": ["Ingress"],
                "ingress": [
                    { "from": [{
                        "namespaceSelector": namespace(NAMESPACE),
                        "podSelector": component("kubeopencode-controller", "controller"),
                    }] },
                    { "from": [peer], "ports": [{ "port": 4096 }] },
                ],
            })
        );
    }
}

/// A rule without `from` admits everybody: only the gateway's pages are for everybody.
#[test]
fn no_rule_but_that_of_the_pages_is_for_everybody() {
    for (name, path) in value_sets().unwrap() {
        for (key, object) in
            render(&path).unwrap().iter().filter(|(key, _)| key.1 == "NetworkPolicy")
        {
            for rule in object["spec"]["ingress"].as_array().into_iter().flatten() {
                let peers = rule["from"].as_array().map_or(0, Vec::len);
                let pages =
                    rule["ports"] == json!([{ "port": "http" }]) && key.2 == "kubeopencode-server";
                assert!(peers > 0 || pages, "{name}: {key:?}: {rule}");
            }
        }
    }
}
