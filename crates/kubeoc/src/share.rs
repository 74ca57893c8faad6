//! `kubeoc agent share`: enables a link, waits until it is active, and prints it.

use std::cell::RefCell;

use anyhow::Context as _;
use api_types::{Agent, ShareToken};
use futures::StreamExt;
use time::OffsetDateTime;

use crate::{
    cli::ShareOptions,
    cluster::{Cluster, within},
    exit::Failure,
    patch, print,
    progress::{Progress, inactive, progress, token_of},
    render::{self, Link},
};

pub(crate) async fn run(options: &ShareOptions) -> anyhow::Result<()> {
    let cluster = Cluster::connect(&options.target).await?;
    let (agent, token) = if options.show {
        within(options.target.timeout, existing(&cluster), || "the API server".to_owned()).await?
    } else {
        enable(&cluster, options).await?
    };
    let link = Link::of(&agent, &token, options.server_url.as_deref());
    print_link(options, &agent, &link)
}

/// The link as it is. Changes nothing, and waits for nothing.
async fn existing(cluster: &Cluster) -> anyhow::Result<(Agent, ShareToken)> {
    let agent = cluster.agent().await?;
    let command = format!("kubeoc agent share {} -n {}", cluster.name, cluster.namespace);
    if !agent.spec.share.as_ref().is_some_and(|share| share.enabled) {
        let off = format!("the agent is not shared; enable its link with: {command}");
        return Err(Failure::NotFound(off).into());
    }
    let token = cluster.secret().await?.as_ref().and_then(token_of);
    let missing =
        || Failure::NotFound(format!("the link has no token yet; wait for it with: {command}"));
    Ok((agent, token.with_context(missing)?))
}

/// Enables the link and watches the Agent until the link is active.
async fn enable(cluster: &Cluster, options: &ShareOptions) -> anyhow::Result<(Agent, ShareToken)> {
    let waiting_for = RefCell::new("the API server".to_owned());
    let change = patch::enable(options, now())?;
    // On the heap: an Agent is large, and so is what waits for one.
    let work = Box::pin(async {
        let patched = cluster.patch(&change).await?;
        let mut agents = cluster.watch_agent();
        while let Some(agent) = agents.next().await {
            let agent = agent?.filter(|agent| agent.metadata.uid == patched.metadata.uid);
            let agent = agent.context(Failure::NotFound("the agent was deleted".to_owned()))?;
            if agent.metadata.generation < patched.metadata.generation {
                continue;
            }
            match progress(&agent, cluster.secret().await?.as_ref()) {
                Progress::Active(token) => return Ok((agent, token)),
                Progress::Stuck(cause) => anyhow::bail!("the link is not active: {cause}"),
                Progress::Waiting(what) => report(&waiting_for, what),
            }
        }
        anyhow::bail!("the API server ended the watch")
    });
    within(options.target.timeout, work, || waiting_for.borrow().clone()).await
}

/// Prints what it waits for, once for each new cause.
fn report(waiting_for: &RefCell<String>, what: String) {
    if *waiting_for.borrow() != what {
        eprintln!("waiting for {what}");
        waiting_for.replace(what);
    }
}

fn print_link(options: &ShareOptions, agent: &Agent, link: &Link) -> anyhow::Result<()> {
    if let Some(format) = options.output {
        return print(&render::object(link, format)?);
    }
    if !options.show {
        print(&render::enabled(link))?;
    }
    print(&render::text(link, inactive(agent).as_deref()))?;
    if options.qr {
        let unknown = "the external URL of the server is unknown; --qr requires --server-url";
        let url = link.url.as_deref().context(Failure::Usage(unknown.to_owned()))?;
        print(&format!("\n{}", render::qr(url)?))?;
    }
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
