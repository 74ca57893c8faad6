//! `cargo xtask install`: the system into a cluster, from the kustomize base under `manifests/`, or by Helm from a registry.

mod certificates;
pub(crate) mod overlay;
mod registry;

use std::path::Path;

use anyhow::{Context, Result};
use api_types::names::{
    BROKER_SERVICE, CONTROLLER_DEPLOYMENT, SERVER_NAMESPACE, SERVER_PORT, SERVER_SERVICE,
};

use crate::{
    cluster::{self, Cluster},
    images::{self, Image, Pushing, RegistryAddress},
    paths, step,
};

/// The Deployments that are ready before an install is done.
const DEPLOYMENTS: [&str; 3] = [CONTROLLER_DEPLOYMENT, BROKER_SERVICE, SERVER_SERVICE];

#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    cluster: cluster::Choice,
    /// The address that share links begin with, such as `https://agents.example.com`.
    #[arg(long)]
    external_url: Option<String>,
    /// Build the images, push them to this registry, and install Helm's chart with them into the cluster of the present
    /// kube context, or the one that is named.
    #[arg(long, value_name = "REGISTRY")]
    registry: Option<RegistryAddress>,
    #[command(flatten)]
    pushing: Pushing,
    /// With --registry: push and install nothing, but print helm's command and the values.
    #[arg(long, requires = "registry")]
    dry_run: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    if let Some(registry) = &arguments.registry {
        return registry::run(arguments, registry);
    }
    let cluster = cluster::up(&arguments.cluster)?;
    // Nothing can be put into somebody else's cluster but through a registry: it gets the published images.
    let images = if cluster::is_somebody_elses(&arguments.cluster) {
        Vec::new()
    } else {
        let images = images::build()?;
        images::load(&images, &cluster)?;
        images
    };
    install(&cluster, &images, arguments.external_url.as_deref())
}

/// Applies everything and waits until it is ready. Applying it again changes nothing. Without `images`, those
/// that `manifests/` names are used.
pub(crate) fn install(
    cluster: &Cluster,
    images: &[Image],
    external_url: Option<&str>,
) -> Result<()> {
    step::run("custom resources and namespace", |_| {
        apply(cluster, "--filename", &paths::repository().join("manifests/namespace.yaml"))?;
        apply(cluster, "--filename", &paths::repository().join("manifests/crds"))
    })?;
    step::run("certificates for gateway, broker and controller", |step| {
        step.note(match certificates::ensure(cluster)? {
            certificates::State::Kept => "kept",
            certificates::State::Made => "new",
        });
        Ok(())
    })?;
    step::run("controller, gateway, broker", |_| {
        remove_unlabelled(cluster)?;
        let node_port = cluster.published().map(|published| published.node_port);
        apply(cluster, "--kustomize", &overlay::system(images, external_url, node_port)?)
    })?;
    DEPLOYMENTS.iter().try_for_each(|name| {
        step::run(&format!("{name} ready"), |_| rollout(cluster, SERVER_NAMESPACE, name))
    })
}

/// A Deployment's selector and a Service's address cannot be changed: those from before they went by component are
/// made anew.
fn remove_unlabelled(cluster: &Cluster) -> Result<()> {
    cluster
        .kubectl()?
        .args(["--namespace", SERVER_NAMESPACE, "delete", "deployments,services"])
        .args(["--selector", "app.kubernetes.io/part-of=kubeopencode,!app.kubernetes.io/component"])
        .arg("--ignore-not-found")
        .run()
}

/// Server-side apply of what lies at `path`.
pub(crate) fn apply(cluster: &Cluster, kind: &str, path: &Path) -> Result<()> {
    cluster.kubectl()?.args(["apply", "--server-side", "--force-conflicts", kind]).arg(path).run()
}

/// Waits until a Deployment has all its replicas.
pub(crate) fn rollout(cluster: &Cluster, namespace: &str, name: &str) -> Result<()> {
    cluster
        .kubectl()?
        .args(["--namespace", namespace, "rollout", "status", "--timeout=180s"])
        .arg(format!("deployment/{name}"))
        .run()
}

/// Where this machine reaches the gateway, such as `http://10.0.0.7:2746`.
pub(crate) fn gateway_url(cluster: &Cluster) -> Result<String> {
    if let Some(published) = cluster.published() {
        return Ok(format!("http://{}", published.address));
    }
    let address = cluster
        .kubectl()?
        .args(["--namespace", SERVER_NAMESPACE, "get", "service", SERVER_SERVICE])
        .args(["--output", "jsonpath={.spec.clusterIP}"])
        .read()
        .context("the gateway's Service")?;
    Ok(format!("http://{address}:{SERVER_PORT}"))
}
