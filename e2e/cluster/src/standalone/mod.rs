//! Provider `standalone`: a Kubernetes of one node on bare Debian, in namespaces and cgroups of its own. Each step makes sure of
//! something and leaves it alone where it already holds, so that a killed `up` is finished by the next.

mod binaries;
mod cgroups;
mod components;
mod config;
mod control_plane;
mod credentials;
mod egress;
mod files;
mod images;
mod kubeconfig;
mod layout;
mod manifests;
mod mounts;
mod network;
mod process;
mod publish;
mod ready;
mod record;
mod releases;
mod status;
mod subnets;
mod up;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};

pub use binaries::{ensure_actionlint, ensure_helm, ensure_registry, test as test_go};
pub use control_plane::{ControlPlane, Controllers};
pub(super) use egress::Egress;
pub(super) use layout::kubeconfig as kubeconfig_path;
pub use publish::Port;
pub(super) use status::status;
pub(super) use up::up;

use super::name::ClusterName;
use layout::Layout;
use task::shell::Cmd;
use task::step;

/// Whether there is one by that name, whole or not.
pub(super) fn exists(name: &ClusterName) -> Result<bool> {
    Ok(record::find(name)?.is_some())
}

pub(super) fn down(name: &ClusterName) -> Result<()> {
    if !exists(name)? {
        println!("there is no cluster {name}");
        return Ok(());
    }
    require_root()?;
    let _lock = record::lock()?;
    let layout = find(name)?;
    step::run("processes and cgroups", |_| cgroups::remove(&layout))?;
    step::run("network", |_| network::remove(&layout))?;
    step::run("mounts", |_| mounts::remove(&layout))?;
    step::run("files", |_| {
        for entry in fs::read_dir(layout.folder())? {
            let path = entry?.path();
            if record::is_record(&path) {
                continue;
            }
            let removed = if path.is_dir() && !path.is_symlink() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| path.display().to_string())?;
        }
        record::remove(&layout)
    })
}

/// kubectl as the cluster's admin.
pub(super) fn kubectl(name: &ClusterName) -> Result<Cmd> {
    Ok(kubectl_of(&find(name)?))
}

pub(super) fn kubectl_program(name: &ClusterName) -> Result<PathBuf> {
    Ok(kubectl_path(&find(name)?))
}

pub(super) fn publish(name: &ClusterName, target: SocketAddr, port: u16) -> Result<Port> {
    let _lock = record::lock()?;
    publish::ensure(&find(name)?, target, port)
}

/// `program` in the network namespace of the cluster.
pub(super) fn on_its_node(name: &ClusterName, program: &str) -> Result<Cmd> {
    Ok(network::inside(&find(name)?).arg(program))
}

/// The API server's audit log: one JSON object a line, level Metadata.
pub(super) fn audit_log(name: &ClusterName) -> Result<PathBuf> {
    Ok(find(name)?.audit_log())
}

pub(super) fn load_images(name: &ClusterName, archives: &[PathBuf]) -> Result<usize> {
    images::import(&find(name)?, archives)
}

fn find(name: &ClusterName) -> Result<Layout> {
    record::find(name)?
        .with_context(|| format!("there is no cluster {name}: cargo xtask cluster up"))
}

fn kubectl_of(layout: &Layout) -> Cmd {
    Cmd::new(kubectl_path(layout)).arg("--kubeconfig").arg(layout.kubeconfig())
}

fn kubectl_path(layout: &Layout) -> PathBuf {
    layout.path("bin/kubectl")
}

fn require_root() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("a standalone cluster makes namespaces, links and cgroups: run this as root");
    }
    Ok(())
}
