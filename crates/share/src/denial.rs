//! Every reason for which a visit is refused or ended, said once: its class, its words and its
//! names. HTTP, gRPC, WebSocket and page match the class, so a further reason is one more variant
//! here. Pure.

use api_types::StartPhase;

/// Why a visit may not begin, or not go on, in the order of the checks. `Display` is what a
/// visitor who was never let in reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denial {
    /// What is known of the links is too old, or the link is unknown while the watch is broken.
    #[error("the service cannot reach its cluster; try again in a moment")]
    Stale,
    /// The same text as an expired link's: a stranger cannot tell them apart.
    #[error("this link does not exist or has expired")]
    Unknown,
    #[error("this link does not exist or has expired")]
    Expired,
    #[error("this link may not be used from your network")]
    Network,
    #[error("the agent is suspended; ask the person who shared this link to resume it")]
    Suspended,
    /// It sleeps in standby: unlike one that is suspended, a visitor may wake it.
    #[error("the agent went to sleep because nobody used it; you can wake it")]
    Asleep,
    /// With what the agent does meanwhile, where that is known.
    #[error("{}", not_ready(*.0))]
    NotReady(Option<StartPhase>),
}

fn not_ready(phase: Option<StartPhase>) -> String {
    phase.map_or_else(
        || "the agent is not ready yet; try again in a moment".to_owned(),
        |phase| phase.to_string(),
    )
}

/// What a denial means to whoever was denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// As if there were no such link. HTTP 404, gRPC `NOT_FOUND`, close code 1008. It counts as a
    /// wrong token.
    Hidden,
    /// There is a link, but not for this visitor. HTTP 403, gRPC `PERMISSION_DENIED`, close code
    /// 1008.
    Forbidden,
    /// Trying again later may help. HTTP 503, gRPC `UNAVAILABLE`, close code 1013.
    Wait,
}

impl Class {
    /// A label for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hidden => "hidden",
            Self::Forbidden => "forbidden",
            Self::Wait => "wait",
        }
    }
}

impl Denial {
    /// One of each.
    pub const ALL: [Self; 7] = [
        Self::Stale,
        Self::Unknown,
        Self::Expired,
        Self::Network,
        Self::Suspended,
        Self::Asleep,
        Self::NotReady(None),
    ];

    pub fn class(self) -> Class {
        match self {
            Self::Unknown | Self::Expired => Class::Hidden,
            Self::Network => Class::Forbidden,
            Self::Stale | Self::Suspended | Self::Asleep | Self::NotReady(_) => Class::Wait,
        }
    }

    /// A stable word for metrics, logs and Events; not for visitors.
    pub fn category(self) -> &'static str {
        match self {
            Self::Stale => "stale",
            Self::Unknown => "unknown",
            Self::Expired => "expired",
            Self::Network => "network",
            Self::Suspended => "suspended",
            Self::Asleep => "asleep",
            Self::NotReady(_) => "not_ready",
        }
    }

    /// A stable word for programs that visit. Denials of class [`Class::Hidden`] share theirs.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Unknown | Self::Expired => "NotFound",
            Self::Stale => "Unavailable",
            Self::Network => "Network",
            Self::Suspended => "Suspended",
            Self::Asleep => "Asleep",
            Self::NotReady(_) => "NotReady",
        }
    }

    /// What a visitor who had been let in reads: they may know what a stranger may not.
    pub fn to_guest(self) -> String {
        match self {
            Self::Unknown => "this link was turned off".to_owned(),
            Self::Expired => "this link has expired".to_owned(),
            _ => self.to_string(),
        }
    }

    /// Whether the agent's owner is told of each: the link exists, and somebody holds it who may
    /// not use it.
    pub fn concerns_owner(self) -> bool {
        matches!(self, Self::Expired | Self::Network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn none_is_left_out_of_all() {
        let next = |denial| match denial {
            Denial::Stale => Some(Denial::Unknown),
            Denial::Unknown => Some(Denial::Expired),
            Denial::Expired => Some(Denial::Network),
            Denial::Network => Some(Denial::Suspended),
            Denial::Suspended => Some(Denial::Asleep),
            Denial::Asleep => Some(Denial::NotReady(None)),
            Denial::NotReady(_) => None,
        };
        let all: Vec<_> = std::iter::successors(Some(Denial::Stale), |last| next(*last)).collect();
        assert_eq!(all, Denial::ALL);
    }

    #[test]
    fn a_stranger_cannot_tell_an_expired_link_from_a_wrong_one() {
        let seen = |denial: Denial| (denial.class(), denial.reason(), denial.to_string());
        assert_eq!(seen(Denial::Expired), seen(Denial::Unknown));
    }

    #[test]
    fn somebody_who_was_let_in_learns_what_happened() {
        assert_eq!(Denial::Unknown.to_guest(), "this link was turned off");
        assert_eq!(Denial::Expired.to_guest(), "this link has expired");
        assert!(Denial::Suspended.to_guest().contains("ask the person who shared this link"));
    }

    #[test]
    fn a_starting_agent_says_what_it_does_in_one_sentence_of_ours() {
        let starting = Denial::NotReady(Some(StartPhase::CloningRepositories));
        assert_eq!(starting.to_string(), "the agent is cloning its repositories");
        assert_eq!(starting.to_guest(), starting.to_string());
        let unknown = Denial::NotReady(None);
        assert_eq!(unknown.to_string(), "the agent is not ready yet; try again in a moment");
        let names = |denial: Denial| (denial.class(), denial.category(), denial.reason());
        assert_eq!(names(starting), names(unknown));
    }
}
