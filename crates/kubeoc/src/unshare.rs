//! `kubeoc agent unshare`: disables a link, and waits until its token is deleted.

use anyhow::Context as _;
use api_types::{Agent, LinkName, names};
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
    if let Some(link) = &options.link {
        let work = Box::pin(remove(&cluster, name, link));
        within(options.target.place.timeout, work, waiting_for).await?;
        let place = format!("{}/{name}", cluster.namespace);
        return print(&format!("Share link {link} removed from agent {place}\n"));
    }
    within(options.target.place.timeout, disable(&cluster, name), waiting_for).await?;
    print(&format!("Share link disabled for agent {}/{name}\n", cluster.namespace))
}

/// Removes one link, and waits until its token is gone.
async fn remove(cluster: &Cluster, name: &str, link: &LinkName) -> anyhow::Result<()> {
    let change = |agent: &Agent| Ok(patch::without_link(agent, link));
    let agent = cluster.patch_as_read(name, change).await?.object;
    let key = names::link_token_key(Some(link));
    let mut secrets = cluster.watch_secret(name);
    loop {
        let secret = secrets.next().await.context("the API server ended the watch")??;
        let own = secret.filter(|secret| belongs_to(secret, &agent));
        if own.is_none_or(|secret| secret.data.is_none_or(|data| !data.contains_key(&key))) {
            return Ok(());
        }
    }
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
