//! What the API server writes into its audit log. Pure.

use serde_json::{Value, json};

/// The requests of these ServiceAccounts are all counted: an idle Agent must cost none.
const COUNTED_GROUP: &str = "system:serviceaccounts:kubeopencode-system";

/// Who asked for what, and never with which body: no Secret, token or environment of a pod gets into the log.
/// The rules that come first win; what the node and the control plane ask of themselves is left out.
pub(crate) fn policy() -> Value {
    let probes = ["/livez*", "/readyz*", "/healthz*", "/version", "/openapi/*"];
    let control_plane = [
        "system:apiserver",
        "system:kube-controller-manager",
        "system:kube-proxy",
        "system:kube-scheduler",
    ];
    json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "userGroups": [COUNTED_GROUP]},
            {"level": "None", "users": control_plane},
            {"level": "None", "userGroups": ["system:nodes", "system:serviceaccounts:kube-system"]},
            {"level": "None", "nonResourceURLs": probes},
            {"level": "Metadata"},
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_requests_are_counted_first_and_no_rule_lets_a_body_in() {
        let policy = policy();
        let rules = policy["rules"].as_array().unwrap();
        assert_eq!(rules[0], json!({"level": "Metadata", "userGroups": [COUNTED_GROUP]}));
        assert!(rules.iter().all(|rule| rule["level"] == "None" || rule["level"] == "Metadata"));
    }
}
