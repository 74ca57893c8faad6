//! `kubeoc agent unshare`: disables a link, and waits until its token is deleted.

use anyhow::Context as _;
use api_types::Agent;
use futures::StreamExt;

use crate::{
    cli::UnshareOptions,
    cluster::{Cluster, within},
    patch, print,
    progress::belongs_to,
};

pub(crate) async fn run(options: &UnshareOptions) -> anyhow::Result<()> {
    let name = options.target.name.as_str();
    let cluster = Cluster::connect(&options.target.place).await?;
    let waiting_for = || {
        "the controller to delete the token; the link is disabled, but sharing the agent again may \
         restore the same token"
            .to_owned()
    };
    within(options.target.place.timeout, disable(&cluster, name), waiting_for).await?;
    print(&format!("Share link disabled for agent {}/{name}\n", cluster.namespace))
}

async fn disable(cluster: &Cluster, name: &str) -> anyhow::Result<()> {
    let mut agent = cluster.get::<Agent>(name).await?;
    if agent.object.spec.share.as_ref().is_some_and(|share| share.enabled)
        || agent.unreadable.is_some()
    {
        agent = cluster.patch(name, &patch::disable()).await?;
    }
    let mut secrets = cluster.watch_secret(name);
    loop {
        let secret = secrets.next().await.context("the API server ended the watch")??;
        if !secret.is_some_and(|secret| belongs_to(&secret, &agent.object)) {
            return Ok(());
        }
    }
}
