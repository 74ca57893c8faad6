//! Which crate depends on which: as ARCHITECTURE.md says, and what api-types never sees.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    root,
    sources::{PACKAGES, cargo},
};

const HEADING: &str = "## Which way the arrows point";

/// Each crate of the page's block, with the crates that it says are used.
fn arrows(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let (_, section) = page.split_once(HEADING).expect("the heading");
    let block = section.split("```").nth(1).expect("a block");
    let lines = block.lines().filter_map(|line| line.split_once('→'));
    lines.map(|(name, uses)| (name.trim().to_owned(), names(uses))).collect()
}

/// `kube (client, runtime), serde` names kube and serde.
fn names(list: &str) -> BTreeSet<String> {
    let mut bare = String::new();
    let mut depth = 0;
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if depth == 0 => bare.push(c),
            _ => {}
        }
    }
    bare.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[test]
fn crates_depend_on_each_other_as_the_architecture_says() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("readable");
    let said = arrows(&page);
    let ours: BTreeSet<_> = PACKAGES.iter().map(|package| package.name.clone()).collect();
    assert_eq!(
        said.keys().cloned().collect::<BTreeSet<_>>(),
        ours,
        "crates with a line, and crates"
    );

    for package in PACKAGES.iter() {
        let normal = package.dependencies.iter().filter(|dependency| dependency.kind.is_none());
        let used: BTreeSet<_> = normal.map(|dependency| dependency.name.clone()).collect();
        let said = &said[&package.name];
        let of_ours = |all: &BTreeSet<String>| all.intersection(&ours).cloned().collect::<Vec<_>>();
        assert_eq!(of_ours(&used), of_ours(said), "{}: used, and said", package.name);
        let gone: Vec<_> = said.difference(&used).collect();
        assert!(gone.is_empty(), "{} does not use {gone:?} any more", package.name);
    }
}

#[test]
fn arrows_are_read_with_their_remarks_left_out() {
    let page =
        format!("{HEADING}\n\n```\nshare → api-types, kube (client; feature x, y), serde\n```\n");
    let used = ["api-types", "kube", "serde"].map(str::to_owned);
    assert_eq!(arrows(&page), BTreeMap::from([("share".to_owned(), BTreeSet::from(used))]));
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
