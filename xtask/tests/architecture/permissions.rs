//! No process holds a permission that is not in the golden list.

use std::{collections::BTreeSet, fs};

use serde::Deserialize;

use crate::root;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    kind: String,
    metadata: Metadata,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

/// `role: verb group/resource`, one line each, sorted.
fn granted() -> String {
    let mut lines = BTreeSet::new();
    for component in ["controller", "gateway", "terminal-broker"] {
        let path = root().join("manifests").join(component).join("rbac.yaml");
        let text = fs::read_to_string(path).expect("readable");
        for document in serde_yaml_ng::Deserializer::from_str(&text) {
            let document = Document::deserialize(document).expect("an RBAC manifest");
            for rule in &document.rules {
                for group in &rule.api_groups {
                    for resource in &rule.resources {
                        for verb in &rule.verbs {
                            let Document { kind, metadata: Metadata { name }, .. } = &document;
                            lines.insert(format!("{name} ({kind}): {verb} {group}/{resource}\n"));
                        }
                    }
                }
            }
        }
    }
    lines.into_iter().collect()
}

#[test]
fn permissions_are_those_of_the_golden_list() {
    let golden = include_str!("permissions.golden");
    assert_eq!(
        granted(),
        golden,
        "a permission changed: say why in the commit, and update the list"
    );
}

#[test]
fn only_the_broker_execs_and_only_the_controller_writes_status_or_reads_secrets() {
    for line in granted().lines() {
        let role = line.split(' ').next().expect("a role");
        assert!(!line.contains("/pods/exec") || role == "kubeopencode-terminal-broker", "{line}");
        assert!(!line.contains("/status") || role == "kubeopencode-controller", "{line}");
        assert!(!line.contains("/secrets") || role == "kubeopencode-controller", "{line}");
        assert!(!line.contains('*'), "{line}");
    }
}
