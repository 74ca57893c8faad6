//! What there is in a cluster: objects of every kind that can be listed.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use chart::kubectl;

/// Kinds that the cluster's own programs make and remove at any time, for objects of anybody: an address is that of a
/// Service.
const PASSING: [&str; 5] = [
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "componentstatuses",
    "ipaddresses.networking.k8s.io",
];

/// Each object by its kind and name, and before them its namespace, where it has one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Inventory(BTreeSet<String>);

impl Inventory {
    /// Of all but the objects in `namespace`, which is the test's own.
    pub(crate) fn taken(namespace: &str) -> Result<Self> {
        let kinds = said(&["api-resources", "--verbs=list", "--output=name", "--cached=false"])?;
        let kinds: Vec<_> = kinds.lines().filter(|kind| !PASSING.contains(kind)).collect();
        let path = "jsonpath={range .items[*]}{.metadata.namespace}{' '}{.kind}{' '}{.metadata.name}{'\\n'}{end}";
        let all = said(&["get", &kinds.join(","), "--all-namespaces", "--output", path])?;
        let own = format!("{namespace} ");
        Ok(Self(all.lines().filter(|line| !line.starts_with(&own)).map(str::to_owned).collect()))
    }

    /// What an uninstallation leaves: the definitions, and what the API server makes of them.
    pub(crate) fn definitions() -> Self {
        let of = |kind: &str| format!(" CustomResourceDefinition {kind}.kubeopencode.io");
        let service = " APIService v1alpha1.kubeopencode.io".to_owned();
        Self([of("agents"), of("agenttemplates"), service].into())
    }

    pub(crate) fn without(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }
}

fn said(arguments: &[&str]) -> Result<String> {
    let outcome = kubectl(arguments, "")?;
    ensure!(outcome.succeeded, "kubectl {arguments:?}: {}", outcome.errors);
    Ok(outcome.output)
}
