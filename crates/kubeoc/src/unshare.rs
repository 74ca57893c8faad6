//! `kubeoc agent unshare`: disables a link, and waits until its token is deleted.

use anyhow::Context as _;
use futures::StreamExt;

use crate::{
    cli::UnshareOptions,
    cluster::{Cluster, within},
    patch, print,
    progress::belongs_to,
};

pub(crate) async fn run(options: &UnshareOptions) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&options.target).await?;
    let waiting_for = || {
        "the controller to delete the token; the link is disabled, but sharing the agent again may \
         restore the same token"
            .to_owned()
    };
    within(options.target.timeout, disable(&cluster), waiting_for).await?;
    print(&format!("Share link disabled for agent {}/{}\n", cluster.namespace, cluster.name))
}

async fn disable(cluster: &Cluster) -> anyhow::Result<()> {
    let mut agent = cluster.agent().await?;
    if agent.spec.share.as_ref().is_some_and(|share| share.enabled) {
        agent = cluster.patch(&patch::disable()).await?;
    }
    let mut secrets = cluster.watch_secret();
    loop {
        let secret = secrets.next().await.context("the API server ended the watch")??;
        if !secret.is_some_and(|secret| belongs_to(&secret, &agent)) {
            return Ok(());
        }
    }
}
