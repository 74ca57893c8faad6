//! Why terminals end and openings fail, and what the viewer is told. Pure; the only place that turns
//! an end into the contract's words.

use std::sync::Arc;

use share::{Class, Denial, capacity::Full};
use terminal_proto::v1::{CloseReason, Closed};

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
    /// Nothing was typed for as long as the link allows.
    Idle,
    /// The viewer went away, so nobody is told.
    ViewerLeft,
    /// The caller cut the viewer, and tells it so itself.
    ViewerCut,
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
    #[error("the agent's terminal could not be started")]
    NotStarted,
    /// The attach program left without telling how the terminal's program ended.
    #[error("the agent's terminal broke off")]
    Ended,
    #[error("the agent's container was stopped or restarted; try again in a moment")]
    ContainerGone,
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
    #[error("`join.viewer` is 16 bytes")]
    Viewer,
    #[error("a position is less than 2^63 bytes")]
    Position,
    #[error("`typed` needs a terminal that was `resumed`, and never goes back")]
    Typed,
    #[error("more input than the window allows; wait for `input_credit`")]
    InputWindow,
    #[error("a reason is at most {DISMISSAL_CHARACTERS_MAX} characters of one line")]
    DismissalReason,
    #[error(
        "the page token is not of this broker, or of before its restart; begin the list anew \
         without it"
    )]
    PageToken,
}

/// What the reason of a `CloseSession` may be long: it fits the last frame of a WebSocket together with what is said before it.
const DISMISSAL_CHARACTERS_MAX: usize = 80;

/// Who asked for a session's end, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dismissal {
    /// As its certificate names it.
    pub by: Arc<str>,
    /// For the viewer; may be empty.
    pub reason: String,
}

impl Dismissal {
    pub fn new(by: Arc<str>, reason: String) -> Result<Self, Violation> {
        let too_long = reason.chars().nth(DISMISSAL_CHARACTERS_MAX).is_some();
        if too_long || reason.chars().any(char::is_control) {
            return Err(Violation::DismissalReason);
        }
        Ok(Self { by, reason })
    }

    /// What the viewer reads.
    pub fn message(&self) -> String {
        let done = End::Closed.message();
        if self.reason.is_empty() { done } else { format!("{done}: {}", self.reason) }
    }
}

/// Whether output that waits for the viewer is still worth sending before the end is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    Deliver,
    Drop,
}

/// What becomes of input that waits for the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typed {
    /// The viewer left, or may come again: what was typed before still counts.
    Deliver,
    /// The viewer was cut.
    Drop,
}

/// Whether the viewer can go on with the same terminal on another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    Possible,
    Impossible,
}

impl End {
    /// A stable word for metrics, logs, Events and the gateway.
    pub fn category(self) -> &'static str {
        match self {
            Self::Exited(_) => "ended",
            Self::Denied(denial) => denial.category(),
            Self::Draining => "draining",
            Self::Lost(_) => "lost",
            Self::Closed => "closed",
            Self::Idle => "idle",
            Self::ViewerLeft => "viewer_left",
            Self::ViewerCut => "viewer_cut",
            Self::Violation(_) => "violation",
        }
    }

    /// A program's last output is waited for; a viewer that lost the right to look sees no more.
    pub fn pending(self) -> Pending {
        match self {
            Self::Exited(_) | Self::Lost(_) => Pending::Deliver,
            _ => Pending::Drop,
        }
    }

    /// Of a viewer that can go on, the connection ended and not the terminal: it sends nothing twice, so what
    /// was dropped here would be missing.
    pub fn typed(self, resumption: Resumption) -> Typed {
        match (self, resumption) {
            (Self::ViewerLeft, _) | (Self::Draining | Self::Lost(_), Resumption::Possible) => {
                Typed::Deliver
            }
            _ => Typed::Drop,
        }
    }

    /// The last message of the stream; a broken contract is an error of the call instead.
    pub fn closing_message(self) -> Result<Closed, Violation> {
        let exit_code = match self {
            Self::Exited(code) => Some(code),
            Self::Violation(violation) => return Err(violation),
            _ => None,
        };
        let (reason, message) = (self.reason().into(), self.message());
        Ok(Closed { reason, message, exit_code, category: self.category().to_owned() })
    }

    fn reason(self) -> CloseReason {
        match self {
            Self::Exited(_) => CloseReason::Ended,
            Self::Denied(denial) => match denial.class() {
                Class::Hidden => CloseReason::Revoked,
                Class::Forbidden => CloseReason::Forbidden,
                Class::Wait => CloseReason::NotReady,
            },
            Self::Draining => CloseReason::Draining,
            Self::Lost(_) => CloseReason::Lost,
            Self::Closed | Self::Idle | Self::ViewerLeft | Self::ViewerCut | Self::Violation(_) => {
                CloseReason::Closed
            }
        }
    }

    fn message(self) -> String {
        match self {
            Self::Exited(0) => "the terminal's program ended".to_owned(),
            Self::Exited(code) => format!("the terminal's program ended with code {code}"),
            Self::Denied(denial) => denial.to_guest(),
            Self::Draining => "the terminal moves to another server".to_owned(),
            Self::Lost(lost) => lost.to_string(),
            Self::Closed => "an administrator closed the session".to_owned(),
            Self::Idle => "nothing was typed for as long as this link allows".to_owned(),
            Self::ViewerLeft => "the viewer left".to_owned(),
            Self::ViewerCut => "the viewer was cut off".to_owned(),
            Self::Violation(violation) => violation.to_string(),
        }
    }
}

/// Why a session did not open. `Display` is what a stranger may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("no first request within 10 s")]
    Late,
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error(transparent)]
    Full(#[from] Full),
    #[error("no terminal of the agent can be reached; try again later")]
    Unreachable,
    #[error("this broker is going away; try again")]
    Draining,
}

impl Refusal {
    /// A stable word for metrics and logs.
    pub fn category(self) -> &'static str {
        match self {
            Self::Violation(_) => "violation",
            Self::Late => "late",
            Self::Denied(denial) => denial.category(),
            Self::Full(full) => full.category(),
            Self::Unreachable => "unreachable",
            Self::Draining => "draining",
        }
    }
}

#[cfg(test)]
mod tests;
