//! No process holds a permission that is not in the golden list.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

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
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    api_groups: Vec<String>,
    resources: Vec<String>,
    verbs: Vec<String>,
}

/// The roles of processes, and those of people.
const MANIFESTS: [&str; 4] =
    ["controller/rbac.yaml", "gateway/rbac.yaml", "terminal-broker/rbac.yaml", "roles.yaml"];

fn documents(manifest: &str) -> Vec<Document> {
    let path = root().join("manifests").join(manifest);
    let text = fs::read_to_string(path).expect("readable");
    let documents = serde_yaml_ng::Deserializer::from_str(&text);
    documents.map(|document| Document::deserialize(document).expect("an RBAC manifest")).collect()
}

/// `role: verb group/resource`, one line each, sorted.
fn granted() -> String {
    let mut lines = BTreeSet::new();
    for document in MANIFESTS.into_iter().flat_map(documents) {
        let Document { kind, metadata: Metadata { name, .. }, rules } = document;
        for Rule { api_groups, resources, verbs } in &rules {
            for group in api_groups {
                for resource in resources {
                    for verb in verbs {
                        lines.insert(format!("{name} ({kind}): {verb} {group}/{resource}\n"));
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

/// Kubernetes' own roles, and those of ours whose rules each of them has.
#[test]
fn who_may_view_or_edit_a_namespace_may_view_or_edit_its_agents() {
    let roles = documents("roles.yaml");
    let added_to = |role: &str| -> Vec<&str> {
        let label = format!("rbac.authorization.k8s.io/aggregate-to-{role}");
        let added = roles.iter().map(|document| &document.metadata);
        let added = added.filter(|ours| ours.labels.get(&label).is_some_and(|is| is == "true"));
        added.map(|ours| ours.name.as_str()).collect()
    };
    assert_eq!(added_to("view"), ["kubeopencode-view"]);
    let editor = ["kubeopencode-view", "kubeopencode-edit", "kubeopencode-use-service-accounts"];
    assert_eq!(added_to("edit"), editor);
    assert_eq!(added_to("admin"), editor);
}
