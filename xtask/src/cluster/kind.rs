//! Provider `kind`: a cluster in the containers of an engine that is already here.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::name::ClusterName;
use crate::shell::{Cmd, which};
use crate::step;

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

pub(super) fn up(name: &ClusterName) -> Result<()> {
    let kubeconfig = kubeconfig(name)?;
    fs::create_dir_all(kubeconfig.parent().context("a file is in a folder")?)?;
    if !exists(name) {
        step::run("kind cluster", |_| kind(&["create", "cluster", "--wait", "180s"], name)?.run())?;
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

fn kind(arguments: &[&str], name: &ClusterName) -> Result<Cmd> {
    Ok(Cmd::new("kind")
        .args(arguments)
        .args(["--name", name.as_str(), "--kubeconfig"])
        .arg(kubeconfig(name)?))
}
