//! Says how a cluster is, and fails when it is not well.

use anyhow::{Result, bail};

use super::layout::Layout;
use super::ready::{self, COMPONENTS, DNS, STORAGE};
use super::{find, kubectl_of, process};
use crate::name::ClusterName;

pub(crate) fn status(name: &ClusterName) -> Result<()> {
    let layout = find(name)?;
    let mut well = true;
    let mut line = |what: &str, good: bool, detail: &str| {
        well &= good;
        println!("{} {what:<24} {detail}", if good { "✓" } else { "✗" });
    };
    for component in COMPONENTS {
        let good = process::is_running(&layout, component)?;
        line(component, good, if good { "running" } else { "not running" });
    }
    let addresses = addresses(&layout);
    line("API", ready_api(&layout), &layout.api_server());
    line("node", ready::node(&layout).succeeds(), layout.node());
    line(
        "DNS",
        ready::available(&layout, DNS).succeeds(),
        &layout.subnets.dns_service().to_string(),
    );
    line(
        "storage",
        ready::available(&layout, STORAGE).succeeds(),
        "StorageClass local-path (default)",
    );
    println!("  {:<24} {}", "Kubernetes", layout.kubernetes);
    println!("  {:<24} {addresses}", "network");
    println!("  {:<24} {}", "kubeconfig", layout.kubeconfig().display());
    println!("  {:<24} {}", "kubectl", layout.path("bin/kubectl").display());
    println!("  {:<24} {}", "logs", layout.path("log").display());
    if !well {
        bail!("cluster {name} is not well: `cargo xtask cluster up` finishes or repairs it");
    }
    Ok(())
}

fn ready_api(layout: &Layout) -> bool {
    kubectl_of(layout).args(["get", "--raw=/readyz", "--request-timeout=5s"]).succeeds()
}

fn addresses(layout: &Layout) -> String {
    format!(
        "pods {}, services {}, link {}",
        layout.subnets.pods(),
        layout.subnets.services(),
        layout.host_link()
    )
}
