//! The cluster's network namespace and the one link between it and the host. The host reaches pods and services through it;
//! from inside nothing leads further than the host's end.

use std::fs::File;
use std::path::Path;

use anyhow::Result;

use super::layout::Layout;
use super::mounts::{is_mounted, make_run};
use task::shell::Cmd;

/// The node's end of the veth pair. It carries the node's address: kube-proxy and kubelet refuse one of the loopback.
const NODE_LINK: &str = "node0";

pub(super) fn ensure(layout: &Layout) -> Result<()> {
    make_run(layout)?;
    let namespace = layout.network_namespace();
    if !is_mounted(&namespace)? {
        File::create(&namespace)?;
        Cmd::new("unshare").arg(format!("--net={}", namespace.display())).arg("true").run()?;
    }
    ensure_link(layout)?;
    host_end(layout)?;
    node_end(layout)
}

/// Removing one end removes the other, and the routes with them.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    if !link_exists(layout) {
        return Ok(());
    }
    Cmd::new("ip").args(["link", "delete", &layout.host_link()]).run()
}

pub(super) fn link_exists(layout: &Layout) -> bool {
    Path::new("/sys/class/net").join(layout.host_link()).exists()
}

fn ensure_link(layout: &Layout) -> Result<()> {
    if link_exists(layout) {
        return Ok(());
    }
    let link = layout.host_link();
    Cmd::new("ip")
        .args(["link", "add", &link, "type", "veth", "peer", "name", NODE_LINK, "netns"])
        .arg(layout.network_namespace())
        .run()
}

fn host_end(layout: &Layout) -> Result<()> {
    let (link, subnets) = (layout.host_link(), layout.subnets);
    let gateway = subnets.node().ip().to_string();
    ip(&["address", "replace", &subnets.host().to_string(), "dev", &link])?;
    ip(&["link", "set", &link, "up"])?;
    ip(&["route", "replace", &subnets.pods().to_string(), "via", &gateway])?;
    ip(&["route", "replace", &subnets.services().to_string(), "via", &gateway])
}

fn node_end(layout: &Layout) -> Result<()> {
    let inside = |arguments: &[&str]| inside(layout).args(["ip"]).args(arguments).run();
    inside(&["link", "set", "lo", "up"])?;
    inside(&["address", "replace", &layout.subnets.node().to_string(), "dev", NODE_LINK])?;
    inside(&["link", "set", NODE_LINK, "up"])?;
    inside(&["route", "replace", "unreachable", "default"])?;
    // /proc/sys/net shows the network namespace of the process that opens it.
    inside_shell(layout, "echo 1 >/proc/sys/net/ipv4/ip_forward")?;
    // Each attempt to get out is told so at once; the usual limit lets every second one wait.
    inside_shell(layout, "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit")
}

fn ip(arguments: &[&str]) -> Result<()> {
    Cmd::new("ip").args(arguments).run()
}

/// Not `ip netns exec`: it mounts a new /sys, which hides the cgroups.
pub(super) fn inside(layout: &Layout) -> Cmd {
    Cmd::new("nsenter").arg(format!("--net={}", layout.network_namespace().display())).arg("--")
}

pub(super) fn inside_shell(layout: &Layout, line: &str) -> Result<()> {
    inside(layout).args(["sh", "-c", line]).run()
}
