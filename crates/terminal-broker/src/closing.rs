//! Why sessions end and openings fail, and what the viewer is told. Pure; the only place that turns an
//! end into the contract's words.

use share::verdict::Denial;
use terminal_proto::v1::{CloseReason, Closed};
use tonic::Status;

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The terminal's program left by itself, with this code.
    Exited(i32),
    /// The link no longer admits the viewer.
    Denied(Denial),
    /// This broker is going away.
    Draining,
    /// The pod's side broke off.
    Lost(Lost),
    /// `CloseSession` was called.
    Closed,
    /// The viewer went away, so nobody is told.
    ViewerLeft,
    /// The caller broke the contract.
    Violation(Violation),
}

/// How the pod's side was lost; the text is for the viewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    #[error("the connection to the agent broke off")]
    Broken,
    #[error("the agent stopped answering")]
    Silent,
    #[error("the agent stopped taking input")]
    Stuck,
    #[error("the agent's terminal could not be started")]
    NotStarted,
    #[error("the agent sent something that is no terminal")]
    Protocol,
}

/// What no honest caller sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("the first request must be `open`")]
    NotOpened,
    #[error("only the first request may be `open`")]
    OpenedTwice,
    #[error("a size is 1 to 1000 columns and 1 to 1000 rows")]
    Size,
    #[error("the client address is neither IPv4 nor IPv6 text")]
    ClientAddress,
    #[error("input is at most 64 KiB a message")]
    OversizeInput,
}

/// Whether output that waits for the viewer is still worth sending before the end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    Deliver,
    Drop,
}

impl End {
    /// A stable word for metrics, logs and Events.
    pub fn category(self) -> &'static str {
        match self {
            Self::Exited(_) => "ended",
            Self::Denied(Denial::Unknown) => "revoked",
            Self::Denied(Denial::Expired) => "expired",
            Self::Denied(Denial::Network) => "network",
            Self::Denied(Denial::Suspended | Denial::NotReady) => "not_ready",
            Self::Draining => "draining",
            Self::Lost(_) => "lost",
            Self::Closed => "closed",
            Self::ViewerLeft => "viewer_left",
            Self::Violation(_) => "violation",
        }
    }

    /// A program's last words are waited for; whoever lost the right to look sees no more.
    pub fn pending(self) -> Pending {
        match self {
            Self::Exited(_) | Self::Lost(_) => Pending::Deliver,
            _ => Pending::Drop,
        }
    }

    /// The last message of the stream.
    pub fn last_words(self) -> Result<Closed, Status> {
        let exit_code = match self {
            Self::Exited(code) => Some(code),
            Self::Violation(violation) => {
                return Err(Status::invalid_argument(violation.to_string()));
            }
            _ => None,
        };
        Ok(Closed { reason: self.reason().into(), message: self.message(), exit_code })
    }

    fn reason(self) -> CloseReason {
        match self {
            Self::Exited(_) => CloseReason::Ended,
            Self::Denied(Denial::Unknown) => CloseReason::Revoked,
            Self::Denied(Denial::Expired) => CloseReason::Expired,
            Self::Denied(Denial::Network) => CloseReason::Network,
            Self::Denied(Denial::Suspended | Denial::NotReady) => CloseReason::NotReady,
            Self::Draining => CloseReason::Draining,
            Self::Lost(_) => CloseReason::Lost,
            Self::Closed | Self::ViewerLeft | Self::Violation(_) => CloseReason::Closed,
        }
    }

    fn message(self) -> String {
        match self {
            Self::Exited(0) => "the terminal's program ended".to_owned(),
            Self::Exited(code) => format!("the terminal's program ended with code {code}"),
            // Somebody who was let in may know what a stranger may not.
            Self::Denied(Denial::Unknown) => "the link was turned off".to_owned(),
            Self::Denied(Denial::Expired) => "the link has expired".to_owned(),
            Self::Denied(denial) => denial.to_string(),
            Self::Draining => "the terminal moves to another server".to_owned(),
            Self::Lost(lost) => lost.to_string(),
            Self::Closed => "an administrator closed the session".to_owned(),
            Self::ViewerLeft => "the viewer left".to_owned(),
            Self::Violation(violation) => violation.to_string(),
        }
    }
}

/// Why a session did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("the first request did not come in time")]
    Late,
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error(transparent)]
    TooMany(#[from] TooMany),
    #[error("links have not been known for certain for too long; try again later")]
    Stale,
    #[error("no terminal of the agent can be reached; try again later")]
    Unreachable,
    #[error("this broker is going away; try again")]
    Draining,
}

/// Which limit a further session would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooMany {
    #[error("too many terminals are open through this link")]
    OfLink,
    #[error("too many terminals of this agent are open")]
    OfAgent,
    #[error("too many terminals are open")]
    InAll,
}

impl Refusal {
    /// A stable word for metrics and logs.
    pub fn category(self) -> &'static str {
        match self {
            Self::Violation(_) => "violation",
            Self::Late => "late",
            Self::Denied(Denial::Unknown) => "unknown",
            Self::Denied(Denial::Expired) => "expired",
            Self::Denied(Denial::Network) => "network",
            Self::Denied(Denial::Suspended | Denial::NotReady) => "not_ready",
            Self::TooMany(TooMany::OfLink) => "limit_link",
            Self::TooMany(TooMany::OfAgent) => "limit_agent",
            Self::TooMany(TooMany::InAll) => "limit_all",
            Self::Stale => "stale",
            Self::Unreachable => "unreachable",
            Self::Draining => "draining",
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let message = refusal.to_string();
        match refusal {
            Refusal::Violation(_) => Self::invalid_argument(message),
            Refusal::Late => Self::deadline_exceeded(message),
            // An expired link looks like one that never was.
            Refusal::Denied(Denial::Unknown | Denial::Expired) => {
                Self::not_found(Denial::Unknown.to_string())
            }
            Refusal::Denied(Denial::Network) => Self::permission_denied(message),
            Refusal::Denied(Denial::Suspended | Denial::NotReady)
            | Refusal::Stale
            | Refusal::Unreachable
            | Refusal::Draining => Self::unavailable(message),
            Refusal::TooMany(_) => Self::resource_exhausted(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn every_end_has_its_reason_and_its_fate_of_pending_output() {
        use Pending::{Deliver, Drop};
        let cases = [
            (End::Exited(3), CloseReason::Ended, Deliver),
            (End::Denied(Denial::Unknown), CloseReason::Revoked, Drop),
            (End::Denied(Denial::Expired), CloseReason::Expired, Drop),
            (End::Denied(Denial::Network), CloseReason::Network, Drop),
            (End::Denied(Denial::Suspended), CloseReason::NotReady, Drop),
            (End::Denied(Denial::NotReady), CloseReason::NotReady, Drop),
            (End::Draining, CloseReason::Draining, Drop),
            (End::Lost(Lost::Broken), CloseReason::Lost, Deliver),
            (End::Closed, CloseReason::Closed, Drop),
        ];
        for (end, reason, pending) in cases {
            let closed = end.last_words().unwrap();
            assert_eq!((closed.reason(), end.pending()), (reason, pending), "{end:?}");
            assert!(!closed.message.is_empty(), "{end:?}");
        }
    }

    #[test]
    fn only_a_program_that_ended_has_an_exit_code() {
        assert_eq!(End::Exited(130).last_words().unwrap().exit_code, Some(130));
        assert_eq!(End::Lost(Lost::NotStarted).last_words().unwrap().exit_code, None);
    }

    #[test]
    fn a_broken_contract_is_an_error_of_the_call() {
        let status = End::Violation(Violation::OpenedTwice).last_words().unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }

    #[test]
    fn a_stranger_cannot_tell_an_expired_link_from_a_wrong_one() {
        let seen = |denial| {
            let status = Status::from(Refusal::Denied(denial));
            (status.code(), status.message().to_owned())
        };
        assert_eq!(seen(Denial::Expired), seen(Denial::Unknown));
    }

    #[test]
    fn refusals_have_the_codes_of_the_contract() {
        let cases = [
            (Refusal::Violation(Violation::NotOpened), Code::InvalidArgument),
            (Refusal::Denied(Denial::Unknown), Code::NotFound),
            (Refusal::Denied(Denial::Network), Code::PermissionDenied),
            (Refusal::Denied(Denial::Suspended), Code::Unavailable),
            (Refusal::TooMany(TooMany::OfAgent), Code::ResourceExhausted),
            (Refusal::Stale, Code::Unavailable),
            (Refusal::Unreachable, Code::Unavailable),
        ];
        for (refusal, code) in cases {
            assert_eq!(Status::from(refusal).code(), code, "{refusal:?}");
        }
    }
}
