//! What `helm install` says at its end: what is still to be done, and what would go wrong.

use std::fs;

use chart::{NAMESPACE, chart, helm};
use serde_json::{Value, json};

fn notes(values: &Value) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(&file, values.to_string()).unwrap();
    let install =
        ["install", "kubeopencode", "--dry-run=client", "--namespace", NAMESPACE, "--values"];
    let outcome = helm(&install, &[file.path(), &chart()]).unwrap();
    assert!(outcome.succeeded, "{}", outcome.errors);
    outcome.output.split_once("NOTES:").unwrap().1.to_owned()
}

#[test]
fn they_say_how_the_first_links_are_reached() {
    let bare = notes(&json!({}));
    assert!(bare.contains("set externalUrl"), "{bare}");
    assert!(bare.contains(&format!("kubeoc check --namespace {NAMESPACE}")), "{bare}");
    assert!(!bare.contains("WARNING"), "{bare}");
    let reached = notes(&json!({ "externalUrl": "https://agents.example.com/" }));
    assert!(reached.contains("begin with https://agents.example.com/s/."), "{reached}");
}

#[test]
fn they_say_which_secrets_are_the_users_to_make() {
    let existing = json!({ "gateway": "a-tls", "controller": "b-tls", "broker": "c-tls" });
    let notes = notes(&json!({ "certificates": { "mode": "existing", "existing": existing } }));
    for name in ["a-tls", "b-tls", "c-tls"] {
        assert!(notes.contains(name), "{notes}");
    }
}

/// Both make `allowedIPs` and the limits go by an address that all visitors share.
#[test]
fn they_warn_where_the_addresses_of_visitors_are_hidden() {
    let ingress = json!({ "ingress": { "enabled": true, "hosts": ["agents.example.com"] } });
    let behind = notes(&json!({ "gateway": ingress }));
    assert!(behind.contains("WARNING: gateway.trustedProxies"), "{behind}");
    let service = |policy: &str| {
        notes(&json!({ "gateway": { "service": {
            "type": "LoadBalancer", "externalTrafficPolicy": policy,
        } } }))
    };
    let hidden = service("Cluster");
    assert!(hidden.contains("WARNING: gateway.service.externalTrafficPolicy"), "{hidden}");
    assert!(!service("Local").contains("WARNING"));
}
