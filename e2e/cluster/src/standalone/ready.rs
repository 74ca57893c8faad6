//! Waits until the cluster is good for work, and says at once which component has died if one has.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use super::egress::Egress;
use super::layout::Layout;
use super::{files, kubectl_of, manifests, process};
use crate::wait;
use task::shell::Cmd;
use task::step;

pub(super) const COMPONENTS: [&str; 8] = [
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "network-policies",
];

/// What the API server needs, itself included; the others may be down while it starts.
const FOUNDATION: &[&str] = COMPONENTS.split_at(3).0;

/// A busy machine of two cores needs about a minute at worst.
const LIMIT: Duration = Duration::from_mins(3);

pub(super) const DNS: [&str; 3] = ["--namespace=kube-system", "deployment/coredns", "DNS"];
pub(super) const STORAGE: [&str; 3] =
    ["--namespace=local-path-storage", "deployment/local-path-provisioner", "storage"];

pub(super) fn api_server(layout: &Layout) -> Result<()> {
    wait::until("the API server to be ready", LIMIT, || {
        process::check(layout, FOUNDATION)?;
        Ok(kubectl_of(layout).args(["get", "--raw=/readyz", "--request-timeout=5s"]).succeeds())
    })
}

pub(super) fn everything(layout: &Layout, egress: Egress) -> Result<()> {
    let wanted = serde_json::to_vec(&manifests::list(layout, egress)?)?;
    step::run("DNS and storage applied", |step| {
        if is_applied(layout, &wanted) {
            step.note("unchanged");
            return Ok(());
        }
        apply(layout, &wanted)
    })?;
    step::run("node Ready", |_| settled(layout, "the node to be Ready", || node(layout)))?;
    for deployment @ [.., what] in [DNS, STORAGE] {
        step::run(&format!("{what} ready"), |_| {
            settled(layout, &format!("{what} to be ready"), || available(layout, deployment))
        })?;
    }
    Ok(())
}

pub(super) fn node(layout: &Layout) -> Cmd {
    let node = format!("node/{}", layout.node());
    kubectl_of(layout).args(["wait", "--for=condition=Ready", &node, "--timeout=1s"])
}

pub(super) fn available(layout: &Layout, [namespace, deployment, _]: [&str; 3]) -> Cmd {
    kubectl_of(layout).args([
        "wait",
        "--for=condition=Available",
        namespace,
        deployment,
        "--timeout=1s",
    ])
}

fn settled(layout: &Layout, what: &str, look: impl Fn() -> Cmd) -> Result<()> {
    let outcome = wait::until(what, LIMIT, || {
        process::check(layout, &COMPONENTS)?;
        Ok(look().succeeds())
    });
    outcome.with_context(|| pods(layout))
}

/// What to look at when waiting was in vain.
fn pods(layout: &Layout) -> String {
    kubectl_of(layout).args(["get", "pods", "--all-namespaces"]).read().unwrap_or_default()
}

/// The same objects need not be applied twice, unless someone took them away.
fn is_applied(layout: &Layout, wanted: &[u8]) -> bool {
    let same = fs::read(layout.path("applied.json")).is_ok_and(|applied| applied == wanted);
    let there = |[namespace, deployment, _]: [&str; 3]| {
        kubectl_of(layout).args(["get", namespace, deployment]).succeeds()
    };
    same && there(DNS) && there(STORAGE)
}

fn apply(layout: &Layout, objects: &[u8]) -> Result<()> {
    kubectl_of(layout)
        .args(["apply", "--server-side", "--force-conflicts", "-f", "-"])
        .input(objects)
        .run()?;
    files::write(&layout.path("applied.json"), objects)
}
