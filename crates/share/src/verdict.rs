//! Who may use a share link: one pure function over facts gathered elsewhere.

use std::{net::IpAddr, num::NonZeroU16, sync::Arc, time::Duration};

use api_types::{Access, StartPhase};
use ipnetwork::IpNetwork;
use time::OffsetDateTime;

use crate::{
    client::{Certainty, ClientAddress},
    denial::Denial,
};

/// What is known about the agent behind a token whose link is turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The link is dead from this instant on.
    pub expires_at: Option<OffsetDateTime>,
    pub allowed: Networks,
    pub readiness: Readiness,
    /// What visitors may do.
    pub access: Access,
    /// Apart, since few links have any.
    pub limits: Option<Arc<Limits>>,
}

/// What a link bounds beside who may use it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Terminals open through it at a time.
    pub max_viewers: Option<NonZeroU16>,
    /// How long a terminal stays open without input.
    pub idle_timeout: Option<Duration>,
}

/// Where a link may be used from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Networks {
    Anywhere,
    /// An empty list allows nobody.
    Only(Arc<[IpNetwork]>),
}

impl Networks {
    /// Whoever cannot be located is outside every list.
    fn contain(&self, client: ClientAddress) -> bool {
        let within = |ip: IpAddr| move |network: &IpNetwork| network.contains(ip);
        match self {
            Self::Anywhere => true,
            Self::Only(networks) => {
                client.certainty == Certainty::Known && networks.iter().any(within(client.ip))
            }
        }
    }
}

/// Whether there is a terminal behind the link now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    /// With what the agent does meanwhile, where that is known.
    NotReady(Option<StartPhase>),
    /// Its owner asked for that.
    Suspended,
    /// It sleeps in standby, and a visitor may wake it.
    Asleep,
}

/// Whether there is an agent to wake. One that starts is awake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sleep {
    Asleep,
    Awake,
}

/// What a visit may do, and until when, unless the share changes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub ends_at: Option<OffsetDateTime>,
    pub access: Access,
    pub limits: Limits,
}

/// Judges a visit that wants to begin at `now`.
pub(crate) fn judge(
    share: &Share,
    client: ClientAddress,
    now: OffsetDateTime,
) -> Result<Grant, Denial> {
    let grant = judge_stay(share, client, now)?;
    match share.readiness {
        Readiness::Ready => Ok(grant),
        Readiness::NotReady(phase) => Err(Denial::NotReady(phase)),
        Readiness::Suspended => Err(Denial::Suspended),
        Readiness::Asleep => Err(Denial::Asleep),
    }
}

/// Judges a visit that has begun. An agent that is not ready for a moment refuses new visits and
/// cuts nobody; where its pod is gone, the terminal ends by itself.
pub(crate) fn judge_stay(
    share: &Share,
    client: ClientAddress,
    now: OffsetDateTime,
) -> Result<Grant, Denial> {
    let grant = judge_right(share, client, now)?;
    match share.readiness {
        Readiness::Ready | Readiness::NotReady(_) => Ok(grant),
        Readiness::Suspended => Err(Denial::Suspended),
        Readiness::Asleep => Err(Denial::Asleep),
    }
}

/// Judges a visitor's wish that the agent wakes: who may visit it may wake it, and nobody who
/// visits undoes what its owner asked for.
pub(crate) fn judge_wake(
    share: &Share,
    client: ClientAddress,
    now: OffsetDateTime,
) -> Result<Sleep, Denial> {
    judge_right(share, client, now)?;
    match share.readiness {
        Readiness::Ready | Readiness::NotReady(_) => Ok(Sleep::Awake),
        Readiness::Suspended => Err(Denial::Suspended),
        Readiness::Asleep => Ok(Sleep::Asleep),
    }
}

/// Whether `client` may use the link at all, whatever its agent does.
fn judge_right(share: &Share, client: ClientAddress, now: OffsetDateTime) -> Result<Grant, Denial> {
    if share.expires_at.is_some_and(|end| end <= now) {
        return Err(Denial::Expired);
    }
    if !share.allowed.contain(client) {
        return Err(Denial::Network);
    }
    let limits = share.limits.as_deref().copied().unwrap_or_default();
    Ok(Grant { ends_at: share.expires_at, access: share.access, limits })
}

#[cfg(test)]
mod tests;
