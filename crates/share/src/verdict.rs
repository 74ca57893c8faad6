//! Who may use a share link: one pure function over facts gathered elsewhere.

use std::net::IpAddr;

use api_types::network::canonical;
use ipnetwork::IpNetwork;
use time::OffsetDateTime;

/// What is known about the agent behind a token whose link is turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The link is dead from this instant on.
    pub expires_at: Option<OffsetDateTime>,
    pub allowed: Networks,
    pub readiness: Readiness,
}

/// Where a link may be used from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Networks {
    Anywhere,
    /// An empty list allows nobody.
    Only(Vec<IpNetwork>),
}

impl Networks {
    /// IPv4-mapped IPv6 is IPv4: the same client, seen by a dual-stack socket.
    fn contain(&self, client: IpAddr) -> bool {
        match self {
            Self::Anywhere => true,
            Self::Only(networks) => {
                let client = canonical(client);
                networks.iter().any(|network| network.contains(client))
            }
        }
    }
}

/// Whether there is a terminal behind the link now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    Ready,
    NotReady,
    Suspended,
}

/// Leave to stay until `ends_at`, unless the share changes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    pub ends_at: Option<OffsetDateTime>,
}

/// Why not, in the order of the checks. The text is what the visitor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// The same text as an expired link's: a stranger cannot tell them apart.
    #[error("this link does not exist or has expired")]
    Unknown,
    #[error("this link does not exist or has expired")]
    Expired,
    #[error("this link may not be used from your network")]
    Network,
    #[error("the agent is suspended; ask the person who shared this link to resume it")]
    Suspended,
    #[error("the agent is not ready yet; try again in a moment")]
    NotReady,
}

impl Denial {
    /// A stable word for metrics, logs and Events; not for visitors.
    pub fn category(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Network => "network",
            Self::Suspended => "suspended",
            Self::NotReady => "not_ready",
        }
    }
}

/// Judges a visit from `client` at `now`. `share` is `None` when no link that is
/// turned on has the presented token.
pub fn judge(share: Option<&Share>, client: IpAddr, now: OffsetDateTime) -> Result<Grant, Denial> {
    let share = share.ok_or(Denial::Unknown)?;
    if share.expires_at.is_some_and(|end| end <= now) {
        return Err(Denial::Expired);
    }
    if !share.allowed.contain(client) {
        return Err(Denial::Network);
    }
    match share.readiness {
        Readiness::Ready => Ok(Grant { ends_at: share.expires_at }),
        Readiness::NotReady => Err(Denial::NotReady),
        Readiness::Suspended => Err(Denial::Suspended),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
    const ONE: OffsetDateTime = datetime!(2026-11-21 13:00 UTC);
    const HERE: &str = "203.0.113.9";
    const MAPPED: &str = "::ffff:203.0.113.9";

    fn open() -> Share {
        Share { expires_at: None, allowed: Networks::Anywhere, readiness: Readiness::Ready }
    }

    fn only(networks: &[&str]) -> Share {
        let networks = networks.iter().map(|network| network.parse().unwrap());
        Share { allowed: Networks::Only(networks.collect()), ..open() }
    }

    fn until(end: OffsetDateTime) -> Share {
        Share { expires_at: Some(end), ..open() }
    }

    fn now(readiness: Readiness) -> Share {
        Share { readiness, ..open() }
    }

    #[test]
    fn verdicts() {
        let v6 = "2001:db8::1";
        let forever = Ok(Grant { ends_at: None });
        let asleep_elsewhere = Share { readiness: Readiness::Suspended, ..only(&["192.0.2.0/24"]) };
        let late_and_elsewhere = Share { expires_at: Some(NOON), ..asleep_elsewhere.clone() };

        let cases = [
            ("an open share", Some(open()), HERE, forever),
            ("no such link", None, HERE, Err(Denial::Unknown)),
            ("still valid", Some(until(ONE)), HERE, Ok(Grant { ends_at: Some(ONE) })),
            ("expiring this instant", Some(until(NOON)), HERE, Err(Denial::Expired)),
            ("inside the network", Some(only(&["203.0.113.0/24"])), HERE, forever),
            ("inside the second", Some(only(&["192.0.2.1/32", "203.0.113.9/32"])), HERE, forever),
            ("outside it", Some(only(&["192.0.2.0/24"])), HERE, Err(Denial::Network)),
            ("nobody allowed", Some(only(&[])), HERE, Err(Denial::Network)),
            ("IPv6 and an IPv4 list", Some(only(&["0.0.0.0/0"])), v6, Err(Denial::Network)),
            ("IPv6 network", Some(only(&["2001:db8::/32"])), v6, forever),
            ("IPv4 in IPv6 clothes", Some(only(&["203.0.113.0/24"])), MAPPED, forever),
            ("not IPv6, then", Some(only(&["::/0"])), MAPPED, Err(Denial::Network)),
            ("starting", Some(now(Readiness::NotReady)), HERE, Err(Denial::NotReady)),
            ("suspended", Some(now(Readiness::Suspended)), HERE, Err(Denial::Suspended)),
            ("network before readiness", Some(asleep_elsewhere), HERE, Err(Denial::Network)),
            ("expiry before all", Some(late_and_elsewhere), HERE, Err(Denial::Expired)),
        ];

        for (name, share, client, expected) in cases {
            let verdict = judge(share.as_ref(), client.parse().unwrap(), NOON);
            assert_eq!(verdict, expected, "{name}");
        }
    }

    #[test]
    fn a_stranger_cannot_tell_an_expired_link_from_a_wrong_one() {
        assert_eq!(Denial::Expired.to_string(), Denial::Unknown.to_string());
    }

    #[test]
    fn the_visitor_of_a_suspended_agent_learns_what_to_do() {
        assert!(Denial::Suspended.to_string().contains("ask the person who shared this link"));
    }
}
