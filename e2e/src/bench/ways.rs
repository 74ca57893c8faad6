//! The ways to the terminal, and how each opens one anew.

use anyhow::{Context, Result};
use kube::Client;
use tonic::transport::Channel;

use super::{exec, exec::Target, programs, relays, terminal::Terminal};
use crate::{cluster::Space, settings};

/// In the order of the table; the first is what the others are compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    #[default]
    Direct,
    Relays,
    Screen,
    Broker,
    Whole,
}

impl Way {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct exec",
            Self::Relays => "two relays",
            Self::Screen => "screen, exec",
            Self::Broker => "broker",
            Self::Whole => "whole path",
        }
    }
}

/// What opens terminals of one pod. Its clients are kept as those of gateway and broker are: each exec dials anew,
/// since an upgraded connection serves for nothing else; a stream to the broker does not.
pub(super) struct Ways<'a> {
    pod: Target<'a>,
    token: &'a str,
    direct: Client,
    /// Where this machine has a route to pods.
    through_pods: Option<ThroughPods>,
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
        token: &'a str,
    ) -> Result<Self> {
        let direct = exec::client(None).await?;
        let through_pods = if settings::reaches_pods()? {
            Some(ThroughPods::find(space, image).await?)
        } else {
            None
        };
        Ok(Self { pod, token, direct, through_pods })
    }

    /// Those that this machine can go.
    pub(super) fn all(&self) -> Vec<Way> {
        match self.through_pods {
            Some(_) => vec![Way::Direct, Way::Relays, Way::Screen, Way::Broker, Way::Whole],
            None => vec![Way::Direct, Way::Screen, Way::Whole],
        }
    }

    pub(super) async fn open(&self, way: Way) -> Result<Terminal> {
        let through_pods = || self.through_pods.as_ref().context("no route to pods");
        match way {
            Way::Direct => Terminal::direct(&self.direct, self.pod).await,
            Way::Relays => Terminal::direct(&through_pods()?.relayed, self.pod).await,
            Way::Screen => Terminal::screen(&self.direct, self.pod).await,
            Way::Broker => Terminal::broker(through_pods()?.broker.clone(), self.token).await,
            Way::Whole => Terminal::guest(self.token).await,
        }
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
