//! The network policies open what the values name, and nothing else: to the system's pods, and from them.

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
    for jobs in ["kubeopencode-certificates", "kubeopencode-removal"] {
        assert_eq!(policies[&of(jobs)]["ingress"], Value::Null, "{jobs}");
    }
    assert_eq!(policies.len(), 5);
    assert!(policies.values().all(|policy| policy["egress"].is_null()), "it is asked for apart");
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

const EGRESS: [(&str, [bool; 4]); 5] = [
    // To the broker, to agents, to the collector; and whether it lasts as long as the release.
    ("kubeopencode-controller", [true, true, true, true]),
    ("kubeopencode-server", [true, false, true, true]),
    ("kubeopencode-terminal-broker", [false, false, true, true]),
    ("kubeopencode-certificates", [false, false, false, true]),
    ("kubeopencode-removal", [false, false, false, false]),
];

/// What each component reaches beside name servers and the API server is what it calls.
#[test]
fn where_it_is_limited_each_component_reaches_whom_it_calls() {
    let values = json!({
        "networkPolicies": { "enabled": true, "egress": { "enabled": true } },
        "traces": { "endpoint": "http://collector.monitoring:4317" },
    });
    let policies = policies(&values);
    let both = json!([
        {
            "to": [{ "namespaceSelector": namespace("kube-system") }],
            "ports": [{ "port": 53, "protocol": "UDP" }, { "port": 53, "protocol": "TCP" }],
        },
        { "ports": [{ "port": 443 }, { "port": 6443 }] },
    ]);
    let broker = json!({
        "to": [{ "podSelector": component("kubeopencode-terminal-broker", "terminal-broker") }],
        "ports": [{ "port": 50051 }],
    });
    let agents = json!({ "to": [{
        "namespaceSelector": {},
        "podSelector": {
            "matchExpressions": [{ "key": "kubeopencode.io/agent", "operator": "Exists" }],
        },
    }] });
    let collector = json!({ "ports": [{ "port": 4317 }] });
    for (name, [to_broker, to_agents, to_collector, _]) in EGRESS {
        let further = [(to_broker, &broker), (to_agents, &agents), (to_collector, &collector)];
        let further = further.into_iter().filter(|(has, _)| *has).map(|(_, rule)| rule.clone());
        let expected: Vec<_> = both.as_array().unwrap().iter().cloned().chain(further).collect();
        let policy = &policies[&of(name)];
        assert_eq!(policy["egress"], json!(expected), "{name}");
        assert_eq!(policy["policyTypes"], json!(["Ingress", "Egress"]), "{name}");
    }
    assert_eq!(policies.len(), EGRESS.len());
}

#[test]
fn the_collector_is_reached_at_the_port_of_its_endpoint_or_the_one_that_is_named() {
    let port = |endpoint: &str, ports: Value| {
        let collector = json!({ "ports": ports, "to": [] });
        let policies = policies(&json!({
            "networkPolicies": {
                "enabled": true, "egress": { "enabled": true, "collector": collector },
            },
            "traces": { "endpoint": endpoint },
        }));
        policies[&of("kubeopencode-terminal-broker")]["egress"][2]["ports"].clone()
    };
    for (endpoint, expected) in [
        ("http://collector:4317", json!([{ "port": 4317 }])),
        ("https://[fd00::1]:14317/", json!([{ "port": 14317 }])),
        ("http://collector", json!([{ "port": 80 }])),
        ("https://collector.example.com", json!([{ "port": 443 }])),
        ("", Value::Null),
    ] {
        assert_eq!(port(endpoint, json!([])), expected, "{endpoint}");
    }
    let named = json!([{ "port": "otlp" }]);
    assert_eq!(port("http://collector:4317", named.clone()), named);
}

/// The policies of a release are gone before the last of its jobs runs.
#[test]
fn the_job_of_the_end_brings_a_policy_of_its_own() {
    let (_, path) =
        value_sets().unwrap().into_iter().find(|(name, _)| name == "network-policies").unwrap();
    let objects = render(&path).unwrap();
    for (name, [.., lasts]) in EGRESS {
        let key = (NAMESPACE.to_owned(), "NetworkPolicy".to_owned(), name.to_owned());
        let hook = &objects[&key]["metadata"]["annotations"]["helm.sh/hook"];
        assert_eq!(hook == "post-delete", !lasts, "{name}: {hook}");
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
