//! Provider `kind`: a cluster in the containers of an engine that is already here.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Published;
use super::name::ClusterName;
use super::version::Wanted;
use crate::shell::{Cmd, which};
use crate::step;

/// The machine has no route to a kind cluster's Services: one port of the node is published on loopback.
pub(super) const PUBLISHED: Published =
    Published { node_port: 30746, address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2746) };

/// Whether kind is installed and a container engine answers.
pub(super) fn works() -> bool {
    let engine =
        |program: &str| which(program).is_some() && Cmd::new(program).arg("info").succeeds();
    which("kind").is_some() && (engine("docker") || engine("podman"))
}

pub(super) fn exists(name: &ClusterName) -> bool {
    let clusters = || Cmd::new("kind").args(["get", "clusters"]).read();
    which("kind").is_some()
        && clusters().is_ok_and(|names| names.lines().any(|line| line == name.as_str()))
}

pub(super) fn kubeconfig(name: &ClusterName) -> Result<PathBuf> {
    Ok(crate::paths::cache()?.join("kind").join(name.as_str()).with_extension("kubeconfig"))
}

/// Without `wanted`, a new cluster is what this kind brings.
pub(super) fn up(name: &ClusterName, wanted: Option<Wanted>) -> Result<()> {
    let image = wanted.map(image).transpose()?;
    let kubeconfig = kubeconfig(name)?;
    fs::create_dir_all(kubeconfig.parent().context("a file is in a folder")?)?;
    if !exists(name) {
        step::run("kind cluster", |_| {
            let create = ["create", "cluster", "--wait", "180s", "--config", "-"];
            let image = image.iter().flat_map(|image| ["--image", image]);
            kind(&create, name)?.args(image).input(config().to_string()).run()
        })?;
    }
    step::run("kubeconfig", |_| kind(&["export", "kubeconfig"], name)?.run())
}

pub(super) fn down(name: &ClusterName) -> Result<()> {
    step::run("kind cluster deleted", |_| kind(&["delete", "cluster"], name)?.run())?;
    let kubeconfig = kubeconfig(name)?;
    if kubeconfig.exists() { fs::remove_file(kubeconfig).map_err(Into::into) } else { Ok(()) }
}

pub(super) fn load_images(name: &ClusterName, archives: &[PathBuf]) -> Result<()> {
    let load = |archive: &PathBuf| {
        Cmd::new("kind").args(["load", "image-archive", "--name", name.as_str()]).arg(archive).run()
    };
    archives.iter().try_for_each(load)
}

/// As kind's `v1alpha4` has it: <https://kind.sigs.k8s.io/docs/user/configuration/>.
fn config() -> Value {
    let Published { node_port, address } = PUBLISHED;
    let mapping = json!({
        "containerPort": node_port,
        "hostPort": address.port(),
        "listenAddress": address.ip().to_string(),
    });
    json!({
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "nodes": [{ "role": "control-plane", "extraPortMappings": [mapping] }],
    })
}

/// Images of nodes go by whole versions: <https://kind.sigs.k8s.io/docs/user/quick-start/#creating-a-cluster>.
fn image(wanted: Wanted) -> Result<String> {
    let version = wanted.version().with_context(|| {
        format!("kind's nodes go by whole versions: name a release of {wanted} with --kubernetes")
    })?;
    Ok(format!("kindest/node:v{version}"))
}

fn kind(arguments: &[&str], name: &ClusterName) -> Result<Cmd> {
    Ok(Cmd::new("kind")
        .args(arguments)
        .args(["--name", name.as_str(), "--kubeconfig"])
        .arg(kubeconfig(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_whole_version_and_a_minor_is_refused() {
        let image = |wanted: &str| image(wanted.parse().unwrap());
        assert_eq!(image("1.34.3").unwrap(), "kindest/node:v1.34.3");
        assert!(image("1.34").is_err());
    }
}
