//! Brings a cluster up, or the rest of one.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};

use super::binaries::{self, Binaries};
use super::components::{self, Component};
use super::config::Plugins;
use super::egress::Egress;
use super::layout::Layout;
use super::process::{self, Outcome};
use super::releases::Release;
use super::{
    cgroups, config, credentials, files, images, mounts, network, ready, record, require_root,
};
use crate::name::ClusterName;
use crate::version::Wanted;
use crate::wait;
use task::apt::{self, Needed};
use task::{buildah, step};

const NEEDED: [Needed; 6] = [
    Needed { program: "runc", package: "runc" },
    Needed { program: "nft", package: "nftables" },
    Needed { program: "ip", package: "iproute2" },
    Needed { program: "nsenter", package: "util-linux" },
    Needed { program: "mount", package: "mount" },
    Needed { program: "busybox", package: "busybox-static" },
];

/// Where distributions put the CNI plugins.
const CNI_FOLDERS: [&str; 2] = ["/usr/lib/cni", "/opt/cni/bin"];
const CNI: Needed = Needed { program: "/usr/lib/cni/ptp", package: "containernetworking-plugins" };

const FOLDERS: [&str; 9] = [
    "log",
    "conf/cni",
    "etcd",
    "containerd",
    "kubelet",
    "pod-logs",
    "volumes",
    "addresses",
    "volume-plugins",
];

pub(crate) fn up(name: &ClusterName, wanted: Option<Wanted>, egress: Egress) -> Result<()> {
    require_root()?;
    packages()?;
    // A name that cannot be had is said before the minutes that a first build takes.
    let (_, release) = claim(name, wanted)?.1;
    let binaries = binaries::ensure(&release)?;
    let archives = images::ensure(&binaries)?;
    let (_lock, (layout, _)) = claim(name, wanted)?;
    ground(&layout, &binaries)?;
    if egress == Egress::Open {
        step::run("a way out for pods", |_| super::egress::open(&layout))?;
    }
    start_foundation(&layout, &binaries)?;
    step::run("images imported", |step| {
        let count = images::import(&layout, &archives)?;
        step.note(format!("{count} new"));
        Ok(())
    })?;
    step::run("API server ready", |_| ready::api_server(&layout))?;
    start(
        "controllers, scheduler, kubelet, proxy, network policies",
        &layout,
        &components::clients(&layout, &binaries),
    )?;
    ready::everything(&layout, egress)
}

fn claim(name: &ClusterName, wanted: Option<Wanted>) -> Result<(record::Lock, (Layout, Release))> {
    let lock = record::lock()?;
    Ok((lock, record::find_or_create(name, wanted)?))
}

fn packages() -> Result<()> {
    step::run("Debian packages", |step| {
        let mut installed = apt::ensure(&NEEDED)?;
        installed.extend(apt::ensure(&buildah::NEEDED)?);
        if cni_plugins().is_none() {
            installed.extend(apt::ensure(&[CNI])?);
        }
        step.note(if installed.is_empty() { "all there".to_owned() } else { installed.join(", ") });
        Ok(())
    })
}

fn cni_plugins() -> Option<PathBuf> {
    CNI_FOLDERS.iter().map(PathBuf::from).find(|folder| folder.join("ptp").is_file())
}

/// All that processes stand on.
fn ground(layout: &Layout, binaries: &Binaries) -> Result<()> {
    step::run("network, mounts, cgroups", |_| {
        network::ensure(layout)?;
        mounts::ensure(layout)?;
        cgroups::ensure(layout)
    })?;
    step::run("certificates and configuration", |_| {
        FOLDERS.iter().try_for_each(|folder| fs::create_dir_all(layout.path(folder)))?;
        binaries::link(binaries, &layout.path("bin"))?;
        credentials::ensure(layout, now())?;
        let cni = cni_plugins().context("the CNI plugins are missing")?;
        let plugins = Plugins { cni_folder: &cni, shim: &binaries.containerd_shim() };
        for (file, content) in config::files(layout, &plugins)? {
            files::write(&layout.config(file), content.as_bytes())?;
        }
        Ok(())
    })
}

/// kubelet, which comes later, ends if containerd's socket is not there.
fn start_foundation(layout: &Layout, binaries: &Binaries) -> Result<()> {
    let foundation = components::foundation(layout, binaries);
    let [_, etcd, api_server] = &foundation;
    if !process::is_running(layout, etcd.name)? {
        // After a longer absence it would look for etcd again only every minute or two.
        process::stop(layout, api_server.name)?;
    }
    start("containerd, etcd, API server", layout, &foundation)?;
    step::run("containerd answers", |_| {
        wait::until("containerd to answer", Duration::from_secs(30), || {
            process::check(layout, &["containerd"])?;
            Ok(images::containerd_answers(layout))
        })
    })
}

fn start(title: &str, layout: &Layout, components: &[Component]) -> Result<()> {
    step::run(title, |step| {
        let mut started = 0;
        for component in components {
            started += usize::from(process::ensure(layout, component)? == Outcome::Started);
        }
        step.note(if started == 0 { "running".to_owned() } else { format!("{started} started") });
        Ok(())
    })
}

/// The time that certificates are made at.
#[allow(clippy::disallowed_methods, reason = "the one place of xtask that reads the clock")]
pub(super) fn now() -> time::OffsetDateTime {
    time::OffsetDateTime::now_utc()
}
