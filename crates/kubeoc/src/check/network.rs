//! Whether a network policy keeps gateways or controllers from the broker. Pure.

use std::collections::BTreeMap;

use api_types::names::{BROKER_PORT, BROKER_SERVICE};
use k8s_openapi::{
    api::networking::v1::{NetworkPolicy, NetworkPolicyIngressRule, NetworkPolicyPort},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};
use kube::{
    ResourceExt,
    core::{Selector, SelectorExt},
};

use super::{
    facts::{Facts, Workload},
    finding::{Finding, known},
};
use crate::cluster::Seen;

/// The name of the broker's port.
const PORT_NAME: &str = "grpc";

type Labels = BTreeMap<String, String>;

pub(super) fn judge(facts: &Facts) -> Vec<Finding> {
    let subject = "NetworkPolicies";
    let policies = match known(&facts.policies, subject) {
        Ok(policies) => policies,
        Err(finding) => return vec![finding],
    };
    let broker = facts.workloads.iter().find(|it| it.component.name == BROKER_SERVICE);
    let Some(broker) = broker.and_then(labels) else { return vec![] };
    let chosen: Vec<_> = policies.iter().filter(|policy| governs(policy, &broker)).collect();
    let callers = facts.workloads.iter().filter(|it| it.component.name != BROKER_SERVICE);
    let mut findings = vec![];
    for caller in callers {
        let Some(pod) = labels(caller) else { continue };
        let rules = chosen.iter().filter_map(|policy| policy.spec.as_ref()?.ingress.as_ref());
        let open = rules.flatten().any(|rule| lets_in(rule, &pod, &facts.namespace));
        if !chosen.is_empty() && !open {
            findings.push(blocked(facts, caller, &chosen));
        }
    }
    if findings.is_empty() {
        let message = match chosen.len() {
            0 => "none selects the terminal broker".to_owned(),
            _ => format!("gateway and controller reach the terminal broker ({})", names(&chosen)),
        };
        findings.push(Finding::ok(subject, message));
    }
    findings
}

fn blocked(facts: &Facts, caller: &Workload, chosen: &[&NetworkPolicy]) -> Finding {
    let (title, name) = (caller.component.title.to_lowercase(), caller.component.name);
    Finding::failed(
        "NetworkPolicies",
        format!("{} let no {title} in to the terminal broker", names(chosen)),
        format!(
            "kubectl edit networkpolicy {} -n {}: allow TCP {BROKER_PORT} from pods with the labels of {name}",
            chosen.first().map(|policy| policy.name_any()).unwrap_or_default(),
            facts.namespace
        ),
    )
}

fn names(policies: &[&NetworkPolicy]) -> String {
    policies.iter().map(|policy| policy.name_any()).collect::<Vec<_>>().join(", ")
}

/// Of the pods of a Deployment.
fn labels(workload: &Workload) -> Option<Labels> {
    let Seen::Known(Some(deployment)) = &workload.deployment else { return None };
    let template = &deployment.spec.as_ref()?.template;
    Some(template.metadata.as_ref()?.labels.clone().unwrap_or_default())
}

/// Whether a policy decides who may connect to a pod with these labels.
fn governs(policy: &NetworkPolicy, pod: &Labels) -> bool {
    let Some(spec) = &policy.spec else { return false };
    // Where none is named it is about who comes in.
    let incoming =
        spec.policy_types.as_ref().is_none_or(|types| types.iter().any(|it| it == "Ingress"));
    incoming && spec.pod_selector.as_ref().is_none_or(|selector| picks(selector, pod))
}

fn picks(selector: &LabelSelector, labels: &Labels) -> bool {
    // One that cannot be read is not one that blocks.
    Selector::try_from(selector.clone()).is_ok_and(|selector| selector.matches(labels))
}

fn lets_in(rule: &NetworkPolicyIngressRule, pod: &Labels, namespace: &str) -> bool {
    let ports = rule.ports.as_deref().unwrap_or_default();
    let peers = rule.from.as_deref().unwrap_or_default();
    let of_namespace = Labels::from([("kubernetes.io/metadata.name".into(), namespace.into())]);
    let is_peer = peers.iter().any(|peer| {
        // Whether an address is the pod's cannot be told from here.
        peer.ip_block.is_some()
            || peer.pod_selector.as_ref().is_none_or(|selector| picks(selector, pod))
                && peer
                    .namespace_selector
                    .as_ref()
                    .is_none_or(|selector| picks(selector, &of_namespace))
    });
    (ports.is_empty() || ports.iter().any(is_broker_port)) && (peers.is_empty() || is_peer)
}

fn is_broker_port(port: &NetworkPolicyPort) -> bool {
    let is_tcp = port.protocol.as_deref().is_none_or(|protocol| protocol == "TCP");
    let wanted = i32::from(BROKER_PORT);
    is_tcp
        && match &port.port {
            None => true,
            Some(IntOrString::Int(first)) => {
                (*first..=port.end_port.unwrap_or(*first)).contains(&wanted)
            }
            Some(IntOrString::String(name)) => name == PORT_NAME,
        }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::check::{finding::Level, workloads};

    fn judged(ingress: &Value) -> Vec<Finding> {
        let policy = json!({
            "metadata": { "name": "broker" },
            "spec": {
                "podSelector": { "matchLabels": { "app": "kubeopencode-terminal-broker" } },
                "policyTypes": ["Ingress"],
                "ingress": ingress,
            },
        });
        let policies = Seen::Known(vec![serde_json::from_value(policy).unwrap()]);
        judge(&Facts { policies, ..workloads::facts(workloads::well()) })
    }

    #[test]
    fn a_policy_that_lets_no_caller_in_is_told_of() {
        let both = json!([{ "matchExpressions": [{
            "key": "app", "operator": "In",
            "values": ["kubeopencode-server", "kubeopencode-controller"],
        }] }]);
        let from = |selector: &Value| json!({ "podSelector": selector });
        let cases = [
            (json!([]), 2),
            (json!([{}]), 0),
            (json!([{ "from": [from(&both[0])] }]), 0),
            (json!([{ "from": [from(&both[0])], "ports": [{ "port": 50051 }] }]), 0),
            (json!([{ "from": [from(&both[0])], "ports": [{ "port": "grpc" }] }]), 0),
            (json!([{ "from": [from(&both[0])], "ports": [{ "port": 1, "endPort": 60000 }] }]), 0),
            (json!([{ "from": [from(&both[0])], "ports": [{ "port": 9090 }] }]), 2),
            (json!([{ "ports": [{ "port": 50051, "protocol": "UDP" }] }]), 2),
            (
                json!([{ "from": [from(&json!({ "matchLabels": { "app": "kubeopencode-server" } }))] }]),
                1,
            ),
            (json!([{ "from": [{ "ipBlock": { "cidr": "10.0.0.0/8" } }] }]), 0),
            (json!([{ "from": [{ "namespaceSelector": { "matchLabels": { "team": "a" } } }] }]), 2),
            (
                json!([{ "from": [{ "namespaceSelector": {
                    "matchLabels": { "kubernetes.io/metadata.name": "system" },
                } }] }]),
                0,
            ),
        ];
        for (ingress, blocked) in cases {
            let findings = judged(&ingress);
            let failed = findings.iter().filter(|finding| finding.level == Level::Failed);
            assert_eq!(failed.count(), blocked, "{ingress}: {findings:?}");
        }
        assert_eq!(
            judged(&json!([]))[1].message,
            "broker let no gateway in to the terminal broker"
        );
    }
}
