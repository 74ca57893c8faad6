//! The system as the programs of the end-to-end crate meet it: up, installed, and told to them by the environment.

use anyhow::Result;

use crate::{
    cluster::{self, Choice, Cluster},
    images::{self, Image},
    install, paths, script,
    shell::Cmd,
};

/// A cluster with the system in it, as it is in this checkout.
pub(crate) fn up(choice: &Choice) -> Result<(Cluster, Vec<Image>)> {
    let cluster = cluster::up(choice)?;
    let images = images::build()?;
    images::load(&images, &cluster)?;
    install::install(&cluster, &images, None)?;
    Ok((cluster, images))
}

/// `program`, told where the system is; `e2e::settings` reads it.
pub(crate) fn told(program: Cmd, cluster: &Cluster) -> Result<Cmd> {
    Ok(program
        .env("KUBECONFIG", cluster.kubeconfig()?)
        .env("E2E_GATEWAY", install::gateway_url(cluster)?)
        .env("E2E_KUBEOC", images::program("kubeoc")?)
        .env("E2E_OPENCODE", script::config().to_string())
        .env("E2E_ARTIFACTS", paths::repository().join("target/e2e")))
}
