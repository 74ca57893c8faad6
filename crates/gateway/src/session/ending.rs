//! Why a session ended, and what the viewer's browser is told of it. Pure.

use share::verdict::Denial;
use terminal_proto::v1::{CloseReason, Closed};
use tokio_tungstenite::tungstenite::{
    Utf8Bytes,
    protocol::{CloseFrame, frame::coding::CloseCode},
};
use tonic::{Code, Status};

/// The most that a close frame's reason may take (RFC 6455, section 5.5: 125 bytes
/// with the code).
const REASON_BYTES_MAX: usize = 123;

/// Each way a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The viewer closed, or its connection broke off.
    Left,
    /// The viewer did not answer pings, or did not take what it was sent.
    Silent,
    /// The viewer broke the protocol.
    Violation(Violation),
    /// The link no longer admits the viewer.
    Denied(Denial),
    /// The terminal's program ended by itself.
    Ended { exit_code: Option<i32>, message: String },
    /// An operator closed the session.
    Closed { message: String },
    /// The broker refused, for a reason that is its caller's.
    Refused { message: String },
    /// Trying again later may help.
    Busy,
    /// The connection to the terminal broke off; trying again may help.
    Lost,
    /// This gateway, or the broker behind it, is going away; another one serves.
    Draining,
}

/// What a viewer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Violation {
    /// No `resize` as the first message, or not in time.
    NoSize,
    /// A text message that is not JSON, or lacks a field.
    Malformed,
    /// A message above the limit.
    TooBig,
    /// The program does not read what was typed or pasted.
    Flood,
}

impl Ending {
    /// What the broker's last message means.
    pub(crate) fn of_closed(closed: &Closed) -> Self {
        let message = closed.message.clone();
        match closed.reason() {
            CloseReason::Ended => Self::Ended { exit_code: closed.exit_code, message },
            CloseReason::Closed => Self::Closed { message },
            CloseReason::Revoked => Self::Denied(Denial::Unknown),
            CloseReason::Expired => Self::Denied(Denial::Expired),
            CloseReason::Network => Self::Denied(Denial::Network),
            CloseReason::NotReady => Self::Denied(Denial::NotReady),
            CloseReason::Draining => Self::Draining,
            CloseReason::Lost | CloseReason::Unspecified => Self::Lost,
        }
    }

    /// What an error in place of an open terminal means.
    pub(crate) fn of_refusal(status: &Status) -> Self {
        match status.code() {
            Code::NotFound => Self::Denied(Denial::Unknown),
            Code::PermissionDenied => Self::Denied(Denial::Network),
            Code::ResourceExhausted => Self::Busy,
            Code::InvalidArgument | Code::Unauthenticated => {
                Self::Refused { message: "the terminal service refused this session".to_owned() }
            }
            _ => Self::Lost,
        }
    }

    /// The close code, also a label for metrics.
    pub(crate) fn code(&self) -> CloseCode {
        match self {
            Self::Left | Self::Ended { .. } | Self::Closed { .. } => CloseCode::Normal,
            Self::Denied(Denial::NotReady | Denial::Suspended) | Self::Busy | Self::Lost => {
                CloseCode::Again
            }
            Self::Denied(_) | Self::Refused { .. } => CloseCode::Policy,
            Self::Violation(Violation::NoSize | Violation::Malformed) => CloseCode::Protocol,
            Self::Violation(Violation::TooBig | Violation::Flood) => CloseCode::Size,
            Self::Silent | Self::Draining => CloseCode::Away,
        }
    }

    /// A word for the log.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Silent => "silent",
            Self::Violation(_) => "violation",
            Self::Denied(Denial::Unknown) => "revoked",
            Self::Denied(Denial::Expired) => "expired",
            Self::Denied(Denial::Network) => "network",
            Self::Denied(Denial::NotReady | Denial::Suspended) => "not_ready",
            Self::Ended { .. } => "ended",
            Self::Closed { .. } => "closed",
            Self::Refused { .. } => "refused",
            Self::Busy => "busy",
            Self::Lost => "lost",
            Self::Draining => "draining",
        }
    }

    /// One sentence for the viewer.
    fn sentence(&self) -> String {
        match self {
            Self::Left => String::new(),
            Self::Silent => "there was no answer from your browser".to_owned(),
            Self::Violation(Violation::NoSize) => "the page did not tell its size".to_owned(),
            Self::Violation(Violation::Malformed) => "the page sent a bad message".to_owned(),
            Self::Violation(Violation::TooBig) => "a message was too big".to_owned(),
            Self::Violation(Violation::Flood) => "the terminal does not take more input".to_owned(),
            Self::Denied(Denial::Unknown) => "this link was turned off".to_owned(),
            Self::Denied(Denial::Expired) => "this link has expired".to_owned(),
            Self::Denied(denial) => denial.to_string(),
            Self::Ended { message, .. } | Self::Closed { message } | Self::Refused { message } => {
                message.clone()
            }
            Self::Busy => "too many terminals are open: please try again later".to_owned(),
            Self::Lost => "the connection to the agent was lost".to_owned(),
            Self::Draining => "the service restarts: reconnecting".to_owned(),
        }
    }

    /// What the WebSocket is closed with.
    pub(crate) fn close_frame(&self) -> CloseFrame {
        let mut reason = self.sentence();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        CloseFrame { code: self.code(), reason: Utf8Bytes::from(reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(reason: CloseReason) -> u16 {
        let closed = Closed { reason: reason.into(), ..Closed::default() };
        Ending::of_closed(&closed).code().into()
    }

    #[test]
    fn each_reason_of_the_broker_has_its_close_code() {
        let cases = [
            (CloseReason::Unspecified, 1013),
            (CloseReason::Ended, 1000),
            (CloseReason::Revoked, 1008),
            (CloseReason::Expired, 1008),
            (CloseReason::Network, 1008),
            (CloseReason::NotReady, 1013),
            (CloseReason::Draining, 1001),
            (CloseReason::Lost, 1013),
            (CloseReason::Closed, 1000),
        ];
        for (reason, code) in cases {
            assert_eq!(seen(reason), code, "{reason:?}");
        }
    }

    #[test]
    fn each_refusal_of_the_broker_has_its_close_code() {
        let cases = [
            (Code::NotFound, 1008),
            (Code::PermissionDenied, 1008),
            (Code::Unavailable, 1013),
            (Code::ResourceExhausted, 1013),
            (Code::InvalidArgument, 1008),
            (Code::Internal, 1013),
            (Code::Unknown, 1013),
        ];
        for (code, expected) in cases {
            let ending = Ending::of_refusal(&Status::new(code, "dial 10.0.0.7:50051: refused"));
            assert_eq!(u16::from(ending.code()), expected, "{code:?}");
            assert!(!ending.sentence().contains("10.0.0.7"), "{code:?}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let message = "ä".repeat(100);
        let frame = Ending::Closed { message }.close_frame();
        assert_eq!(frame.reason.as_str(), "ä".repeat(61));
    }
}
