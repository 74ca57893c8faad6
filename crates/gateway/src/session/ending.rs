//! Why a session ended, and what the viewer's browser is told of it. Pure: it ends nothing. A
//! denial is matched by its class alone.

use std::io::ErrorKind;

use share::{Class, Denial};
use terminal_proto::v1::{CloseReason, Closed};
use tokio_tungstenite::tungstenite::{
    Error, Utf8Bytes,
    error::ProtocolError,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

use crate::metrics::UNAVAILABLE;

/// The most that a close frame's reason may take (RFC 6455, section 5.5: 125 bytes with the code).
const REASON_BYTES_MAX: usize = 123;

/// Each way a session ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The viewer closed, or its connection broke off.
    Left,
    /// The viewer did not answer pings.
    Silent,
    /// The viewer took no byte for too long while some waited.
    Stalled,
    /// The viewer broke the protocol.
    Violation(Violation),
    /// The link no longer admits the viewer.
    Denied(Denial),
    /// The broker ended the visit, for a reason of that class.
    Dismissed { class: Class, message: String },
    /// The terminal's program ended by itself.
    Ended { exit_code: Option<i32>, message: String },
    /// An operator closed the session.
    Closed { message: String },
    /// The broker refused, and will again.
    Refused,
    /// Too many terminals are open.
    Full,
    /// No replica of the broker could open the terminal in time.
    Unavailable,
    /// The terminal broke off; trying again may help. The message is the broker's, if it could
    /// still say one.
    Lost { message: Option<String> },
    /// This gateway, or the broker behind it, is going away; another one serves.
    Draining,
}

/// How a viewer went, as the broker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Departure {
    /// By itself: what it typed before counts.
    Left,
    /// It has no right to be there any more, or broke the protocol.
    Cut,
    /// Either end failed or is going away: nobody waits for a last word.
    Lost,
}

/// What a viewer did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Violation {
    /// No message in time.
    NoSize,
    /// The first message was another one than `resize`.
    SizeNotFirst,
    /// What the first message says of a former connection cannot be understood.
    BadJoin,
    /// A frame or a text message that cannot be understood.
    Malformed,
    /// Text that is not UTF-8.
    NotUtf8,
    /// A message above the limit.
    TooBig,
    /// More input than the window allows.
    Overrun,
}

impl Violation {
    fn code(self) -> CloseCode {
        match self {
            Self::NoSize | Self::SizeNotFirst | Self::BadJoin | Self::Malformed => {
                CloseCode::Protocol
            }
            Self::NotUtf8 => CloseCode::Invalid,
            Self::TooBig => CloseCode::Size,
            Self::Overrun => CloseCode::Policy,
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::NoSize => "no resize message within 9 s",
            Self::SizeNotFirst => "the first message must be a resize message",
            Self::BadJoin => {
                "malformed join: viewer is 32 hex digits, terminal 16, the rest whole numbers"
            }
            Self::Malformed => "malformed message",
            Self::NotUtf8 => "a text message is not valid UTF-8",
            Self::TooBig => "a message is longer than 64 KiB",
            Self::Overrun => "more input than the input window allows",
        }
    }
}

impl Ending {
    /// What the broker's last message means.
    pub(super) fn of_closed(closed: Closed) -> Self {
        let Closed { message, exit_code, .. } = closed;
        let reason = CloseReason::try_from(closed.reason).unwrap_or_default();
        let dismissed = |class, message| Self::Dismissed { class, message };
        match reason {
            CloseReason::Ended => Self::Ended { exit_code, message },
            CloseReason::Closed => Self::Closed { message },
            CloseReason::Revoked => dismissed(Class::Hidden, message),
            CloseReason::Forbidden => dismissed(Class::Forbidden, message),
            CloseReason::NotReady => dismissed(Class::Wait, message),
            CloseReason::Draining => Self::Draining,
            CloseReason::Lost | CloseReason::Unspecified => {
                Self::Lost { message: Some(message).filter(|message| !message.is_empty()) }
            }
        }
    }

    /// What an error of the viewer's socket means.
    pub(super) fn of_error(error: &Error) -> Self {
        match error {
            Error::Capacity(_) => Self::Violation(Violation::TooBig),
            Error::Utf8(_) => Self::Violation(Violation::NotUtf8),
            // A closed laptop, a lost network: the connection ended, and nobody broke a rule.
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Self::Left,
            Error::Protocol(_) => Self::Violation(Violation::Malformed),
            Error::Io(error) if error.kind() == ErrorKind::TimedOut => Self::Stalled,
            _ => Self::Left,
        }
    }

    pub(super) fn departure(&self) -> Departure {
        match self {
            Self::Violation(_) | Self::Denied(_) | Self::Dismissed { .. } | Self::Closed { .. } => {
                Departure::Cut
            }
            Self::Left => Departure::Left,
            Self::Silent
            | Self::Stalled
            | Self::Ended { .. }
            | Self::Refused
            | Self::Full
            | Self::Unavailable
            | Self::Lost { .. }
            | Self::Draining => Departure::Lost,
        }
    }

    /// The close code, also a label for metrics.
    pub(super) fn code(&self) -> CloseCode {
        match self {
            Self::Left | Self::Ended { .. } | Self::Closed { .. } => CloseCode::Normal,
            Self::Denied(denial) => of_class(denial.class()),
            Self::Dismissed { class, .. } => of_class(*class),
            Self::Refused => CloseCode::Policy,
            Self::Full | Self::Unavailable | Self::Lost { .. } => CloseCode::Again,
            Self::Violation(violation) => violation.code(),
            Self::Silent | Self::Stalled | Self::Draining => CloseCode::Away,
        }
    }

    /// A word for the log.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Silent => "silent",
            Self::Stalled => "stalled",
            Self::Violation(_) => "violation",
            Self::Denied(denial) => denial.category(),
            Self::Dismissed { .. } => "dismissed",
            Self::Ended { .. } => "ended",
            Self::Closed { .. } => "closed",
            Self::Refused => "refused",
            Self::Full => "full",
            Self::Unavailable => UNAVAILABLE,
            Self::Lost { .. } => "lost",
            Self::Draining => "draining",
        }
    }

    /// One sentence for the viewer.
    fn sentence(&self) -> String {
        let sentence = match self {
            Self::Denied(denial) => return denial.to_guest(),
            Self::Dismissed { message, .. }
            | Self::Ended { message, .. }
            | Self::Closed { message }
            | Self::Lost { message: Some(message) } => return message.clone(),
            Self::Left => "",
            Self::Silent => "no answer from the browser within 25 s",
            Self::Stalled => "the browser took no data for 10 s",
            Self::Violation(violation) => violation.sentence(),
            Self::Refused => "the terminal service refused this session",
            Self::Full => "too many terminals are open; try again later",
            Self::Unavailable => "the terminal cannot be opened now; try again in a moment",
            Self::Lost { message: None } => "the connection to the agent was lost",
            Self::Draining => "the service is restarting; reconnecting",
        };
        sentence.to_owned()
    }

    /// What the WebSocket is closed with.
    pub(super) fn close_frame(&self) -> CloseFrame {
        let mut reason = self.sentence();
        reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
        CloseFrame { code: self.code(), reason: Utf8Bytes::from(reason) }
    }
}

fn of_class(class: Class) -> CloseCode {
    match class {
        Class::Hidden | Class::Forbidden => CloseCode::Policy,
        Class::Wait => CloseCode::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(reason: CloseReason) -> u16 {
        let closed = Closed { reason: reason.into(), ..Closed::default() };
        Ending::of_closed(closed).code().into()
    }

    #[test]
    fn each_reason_of_the_broker_has_its_close_code() {
        let cases = [
            (CloseReason::Unspecified, 1013),
            (CloseReason::Ended, 1000),
            (CloseReason::Revoked, 1008),
            (CloseReason::Forbidden, 1008),
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
    fn a_reason_of_a_later_broker_means_that_the_terminal_was_lost() {
        let closed = Closed { reason: 99, ..Closed::default() };
        assert_eq!(Ending::of_closed(closed), Ending::Lost { message: None });
    }

    #[test]
    fn a_connection_that_merely_ends_broke_no_rule() {
        let ended = Error::Protocol(ProtocolError::ResetWithoutClosingHandshake);
        assert_eq!(Ending::of_error(&ended), Ending::Left);
        let unmasked = Error::Protocol(ProtocolError::UnmaskedFrameFromClient);
        assert_eq!(Ending::of_error(&unmasked), Ending::Violation(Violation::Malformed));
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let message = "ä".repeat(100);
        let frame = Ending::Closed { message }.close_frame();
        assert_eq!(frame.reason.as_str(), "ä".repeat(61));
    }
}
