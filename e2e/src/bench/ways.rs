//! The ways to the terminal, and how each opens one anew.

use anyhow::{Context, Result};
use kube::Client;
use tonic::transport::Channel;

use super::{
    exec,
    exec::Target,
    guest::{Comes, Guest},
    programs, relays,
    terminal::Terminal,
};
use crate::{cluster::Space, kubeoc, settings};

/// In the order of the table; the first is what the others are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    #[default]
    Direct,
    Relays,
    Screen,
    Broker,
    Whole,
    /// As [`Self::Whole`], by a viewer that can come again: all of a terminal share an exec.
    Page,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct exec",
            Self::Relays => "two relays",
            Self::Screen => "screen, exec",
            Self::Broker => "broker",
            Self::Whole => "whole path",
            Self::Page => "of a page",
        }
    }
}

/// What opens terminals of one pod. Its clients are kept as those of gateway and broker are: each exec dials anew,
/// since an upgraded connection serves for nothing else; a stream to the broker does not.
pub(super) struct Ways<'a> {
    pod: Target<'a>,
    tokens: &'a Tokens,
    direct: Client,
    /// Where this machine has a route to pods.
    through_pods: Option<ThroughPods>,
}

/// Of links of their own, so that no way shares its terminal with another.
pub(super) struct Tokens {
    broker: String,
    whole: String,
    page: String,
}

impl Tokens {
    pub(super) async fn share(space: &Space, agent: &str) -> Result<Self> {
        Ok(Self {
            broker: kubeoc::share(space, agent, &["--link", "broker"]).await?,
            whole: kubeoc::share(space, agent, &[]).await?,
            page: kubeoc::share(space, agent, &["--link", "page"]).await?,
        })
    }
}

struct ThroughPods {
    relayed: Client,
    broker: Channel,
}

impl<'a> Ways<'a> {
    /// Starts relays from `image` where they can be reached.
    pub(super) async fn find(
        space: &Space,
        image: &str,
        pod: Target<'a>,
        tokens: &'a Tokens,
    ) -> Result<Self> {
        let direct = exec::client(None).await?;
        let through_pods = if settings::reaches_pods()? {
            Some(ThroughPods::find(space, image).await?)
        } else {
            None
        };
        Ok(Self { pod, tokens, direct, through_pods })
    }

    /// Those that this machine can go.
    pub(super) fn all(&self) -> Vec<Way> {
        match self.through_pods {
            Some(_) => {
                vec![Way::Direct, Way::Relays, Way::Screen, Way::Broker, Way::Whole, Way::Page]
            }
            None => vec![Way::Direct, Way::Screen, Way::Whole, Way::Page],
        }
    }

    pub(super) async fn open(&self, way: Way) -> Result<Terminal> {
        let through_pods = || self.through_pods.as_ref().context("no route to pods");
        match way {
            Way::Direct => Terminal::direct(&self.direct, self.pod).await,
            Way::Relays => Terminal::direct(&through_pods()?.relayed, self.pod).await,
            Way::Screen => Terminal::screen(&self.direct, self.pod).await,
            Way::Broker => {
                Terminal::broker(through_pods()?.broker.clone(), &self.tokens.broker).await
            }
            Way::Whole => Terminal::guest(&self.tokens.whole, Comes::Once).await,
            Way::Page => self.page().await.map(|guest| Terminal::Guest(Box::new(guest))),
        }
    }
}

impl Ways<'_> {
    /// One more viewer of the terminal that pages share.
    pub(super) async fn page(&self) -> Result<Guest> {
        Guest::open(&self.tokens.page, Comes::Again).await.context("a page's WebSocket")
    }
}

impl ThroughPods {
    async fn find(space: &Space, image: &str) -> Result<Self> {
        let relay = Box::pin(relays::start(space, image)).await?;
        let relayed = exec::client(Some(relay)).await?;
        let at = programs::broker(&space.client).await?;
        let broker = crate::broker::channel(&space.client, at, crate::broker::GATEWAY)
            .await
            .context("gRPC to the broker")?;
        Ok(Self { relayed, broker })
    }
}
