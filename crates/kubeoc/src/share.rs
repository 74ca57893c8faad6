//! `kubeoc agent share`: enables a link, waits until it is active, and prints it.

use std::{cell::RefCell, fmt::Write as _};

use anyhow::Context as _;
use api_types::{Agent, LinkName, ShareToken};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::{ResourceExt, core::ObjectMeta};

use crate::{
    cli::ShareOptions,
    cluster::{Cluster, answer, within},
    exit::Failure,
    now, patch, print,
    progress::{Progress, belongs_to, explanation, progress, token_of},
    render::{self, Link},
    report_wait,
};

const NO_URL: &str = "the external URL of the server is unknown, so there is nothing to encode: \
                      give it by --server-url https://agents.example.com, or start the controller \
                      with --external-url";

/// A link that has a token.
pub(crate) struct Held {
    agent: Agent,
    secret: Secret,
    pub(crate) token: ShareToken,
}

pub(crate) async fn run(options: &ShareOptions) -> anyhow::Result<()> {
    let place = &options.target.place;
    let cluster = Cluster::connect(place).await?;
    let link = options.link.link.as_ref();
    let Held { agent, secret, token } = if options.show {
        answer(place.timeout, existing(&cluster, &options.target.name, link)).await?
    } else if options.rotate {
        rotate(&cluster, options).await?
    } else {
        enable(&cluster, options).await?
    };
    print_link(options, &Link::of(&agent, &secret, link, &token, options.server_url.as_deref()))
}

/// The link as it is. Changes nothing, and waits for nothing.
async fn existing(cluster: &Cluster, name: &str, link: Option<&LinkName>) -> anyhow::Result<Held> {
    let agent = cluster.get::<Agent>(name).await?.object;
    let mut command = format!("kubeoc agent share {name} -n {}", cluster.namespace);
    let Some(share) = agent.spec.share.as_ref().filter(|share| share.enabled) else {
        let off = format!("the agent is not shared; enable its link with: {command}");
        return Err(Failure::NotFound(off).into());
    };
    if let Some(link) = link {
        let _ = write!(command, " --link {link}");
        if share.links.iter().all(|known| known.name != link.as_str()) {
            let none = format!("the agent has no link {link}; create it with: {command}");
            return Err(Failure::NotFound(none).into());
        }
    }
    let secret = cluster.secret(name).await?.filter(|secret| belongs_to(secret, &agent));
    let token = secret.as_ref().and_then(|secret| token_of(secret, link));
    match token.zip(secret.clone()) {
        Some((token, secret)) => Ok(Held { agent, secret, token }),
        None => Err(Failure::NotFound(format!(
            "the link has no token yet: {}; wait for it with: {command}",
            explanation(&agent, secret.as_ref(), link).unwrap_or_default()
        ))
        .into()),
    }
}

/// Enables the link and watches the Agent until the link is active.
async fn enable(cluster: &Cluster, options: &ShareOptions) -> anyhow::Result<Held> {
    let waiting_for = RefCell::new("the API server".to_owned());
    let name = options.target.name.as_str();
    let link = options.link.link.as_ref();
    // On the heap: an Agent is large, and so is what waits for one.
    let work = Box::pin(async {
        let patched = match link {
            None => cluster.patch(name, &patch::enable(options, now())?).await?,
            Some(link) => {
                let change = |agent: &Agent| patch::link(agent, link, options, now());
                cluster.patch_as_read(name, change).await?
            }
        };
        until_active(cluster, &patched.object.metadata, link, None, &waiting_for).await
    });
    within(options.target.place.timeout, work, || waiting_for.borrow().clone()).await
}

/// Takes the token away and watches the Agent until its link has another one.
async fn rotate(cluster: &Cluster, options: &ShareOptions) -> anyhow::Result<Held> {
    let waiting_for = RefCell::new("the API server".to_owned());
    let (name, link) = (options.target.name.as_str(), options.link.link.as_ref());
    let work = Box::pin(async {
        let Held { agent, secret, token } = existing(cluster, name, link).await?;
        cluster.patch_secret(&secret.name_any(), &patch::rotate(&secret, link)).await?;
        until_active(cluster, &agent.metadata, link, Some(token), &waiting_for).await
    });
    within(options.target.place.timeout, work, || waiting_for.borrow().clone()).await
}

/// Watches the Agent, whose `written` metadata are those of the last change, until its link is active,
/// with another token than `replaced`.
pub(crate) async fn until_active(
    cluster: &Cluster,
    written: &ObjectMeta,
    link: Option<&LinkName>,
    replaced: Option<ShareToken>,
    waiting_for: &RefCell<String>,
) -> anyhow::Result<Held> {
    let name = written.name.as_deref().unwrap_or_default();
    let mut agents = cluster.watch_agent(name);
    while let Some(agent) = agents.next().await {
        let agent = agent?.map(|agent| agent.object).filter(|agent| agent.uid() == written.uid);
        let agent = agent.context(Failure::NotFound("the agent was deleted".to_owned()))?;
        if agent.metadata.generation < written.generation {
            continue;
        }
        let secret = cluster.secret(name).await?;
        match progress(&agent, secret.as_ref(), link) {
            Progress::Active(token) if Some(&token) == replaced.as_ref() => {
                report_wait(waiting_for, "the controller to replace the token".to_owned());
            }
            Progress::Active(token) => {
                return Ok(Held { agent, secret: secret.unwrap_or_default(), token });
            }
            Progress::Stuck(cause) => anyhow::bail!("the link is not active: {cause}"),
            Progress::Waiting(what) => report_wait(waiting_for, what),
        }
    }
    anyhow::bail!("the API server ended the watch")
}

fn print_link(options: &ShareOptions, link: &Link) -> anyhow::Result<()> {
    if let Some(format) = options.output {
        return print(&render::object(link, format)?);
    }
    if !options.show {
        print(&render::enabled(link))?;
    }
    print(&render::text(link))?;
    if options.qr {
        let url = link.url.as_deref().context(Failure::Usage(NO_URL.to_owned()))?;
        print(&format!("\n{}", render::qr(url)?))?;
    }
    Ok(())
}
