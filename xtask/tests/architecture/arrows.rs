//! Which crate may depend on which: the table of ARCHITECTURE.md, and what api-types never sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use serde::Deserialize;

use crate::root;

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

/// Each of our crates with those of ours that it may use outside of tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("api-types", &[]),
    ("terminal-proto", &[]),
    ("daemon", &[]),
    ("screen-wire", &[]),
    ("share", &["api-types"]),
    ("controller", &["api-types", "daemon"]),
    ("gateway", &["api-types", "daemon", "share", "terminal-proto"]),
    ("terminal-broker", &["api-types", "daemon", "screen-wire", "share", "terminal-proto"]),
    ("agent-tools", &["screen-wire"]),
    ("kubeoc", &["api-types"]),
    ("scripted-model", &["daemon"]),
    ("xtask", &["api-types"]),
    ("bench-terminal", &[]),
    // Its tests use all programs; as a program it is but `agent-tools` by another name.
    ("loopback", &["agent-tools"]),
    ("e2e", &["api-types", "bench-terminal", "screen-wire", "terminal-proto"]),
];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .current_dir(root())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

#[test]
fn our_crates_use_each_other_only_along_the_arrows() {
    let json = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Metadata = serde_json::from_str(&json).expect("cargo metadata");
    let allowed: BTreeMap<_, BTreeSet<_>> =
        ALLOWED.iter().map(|(name, uses)| (*name, uses.iter().copied().collect())).collect();

    for package in &metadata.packages {
        let may = allowed.get(package.name.as_str());
        let may = may.unwrap_or_else(|| panic!("{} is missing from the table", package.name));
        for dependency in &package.dependencies {
            let ours = dependency.path.is_some() && dependency.kind.is_none();
            assert!(
                !ours || may.contains(dependency.name.as_str()),
                "{} must not depend on {}",
                package.name,
                dependency.name
            );
        }
    }
}

#[test]
fn the_contract_crate_never_sees_a_runtime_or_a_client() {
    let tree = cargo(&["tree", "-p", "api-types", "-e", "normal", "--prefix", "none"]);
    for banned in ["tokio", "hyper", "kube-client", "kube-runtime", "tower", "reqwest"] {
        let seen = tree.lines().any(|line| line.split(' ').next() == Some(banned));
        assert!(!seen, "api-types depends on {banned}");
    }
}

#[test]
fn no_type_of_the_custom_resources_appears_in_the_proto() {
    let tree = cargo(&["tree", "-p", "terminal-proto", "-e", "normal", "--prefix", "none"]);
    assert!(!tree.contains("k8s-openapi") && !tree.contains("api-types"));
}
