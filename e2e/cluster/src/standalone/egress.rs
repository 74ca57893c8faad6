//! The way out of the cluster, where the user opened it: user-mode networking, so that the host's own routes,
//! rules and settings stay as they are. It ends with the cluster's processes.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::components::{Component, Network};
use super::layout::Layout;
use super::network::{inside, inside_shell};
use super::process;
use crate::wait;
use task::apt::{self, Needed};
use task::shell::which;

/// Whether pods reach anything outside the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Egress {
    Closed,
    Open,
}

/// Where slirp4netns answers names (slirp4netns(1), "Default configuration").
pub(super) const NAME_SERVER: &str = "10.0.2.3";

const GATEWAY: &str = "10.0.2.2";
const ADDRESS: &str = "10.0.2.100/24";
const LINK: &str = "egress0";
const SLIRP: Needed = Needed { program: "slirp4netns", package: "slirp4netns" };

/// Pods have addresses that nobody outside knows: they go out by the link's own.
const MASQUERADE: &str = "nft 'table ip kubeopencode-egress; delete table ip kubeopencode-egress; \
     table ip kubeopencode-egress { chain out { type nat hook postrouting priority srcnat; oifname egress0 masquerade; }; }'";

/// Opens the way out. The network's own set-up, which comes before it, closes it.
pub(super) fn open(layout: &Layout) -> Result<()> {
    apt::ensure(&[SLIRP])?;
    let program = which(SLIRP.program).context("slirp4netns is missing")?;
    process::ensure(layout, &component(layout, program))?;
    wait::until("the link that leads out", Duration::from_secs(10), || {
        Ok(inside(layout).args(["ip", "link", "show", LINK]).succeeds())
    })?;
    let ip = |arguments: &[&str]| inside(layout).arg("ip").args(arguments).run();
    ip(&["address", "replace", ADDRESS, "dev", LINK])?;
    ip(&["link", "set", LINK, "up"])?;
    ip(&["route", "replace", "default", "via", GATEWAY, "dev", LINK])?;
    inside_shell(layout, MASQUERADE)
}

/// It works between the cluster's network and the host's, and lives in the host's.
fn component(layout: &Layout, program: PathBuf) -> Component {
    let mut arguments =
        ["--mtu=65520", "--disable-host-loopback", "--netns-type=path"].map(str::to_owned).to_vec();
    arguments.push(layout.network_namespace().display().to_string());
    arguments.push(LINK.to_owned());
    Component { name: SLIRP.program, program, arguments, network: Network::Host, reads: Vec::new() }
}
