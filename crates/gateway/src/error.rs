//! Every way a request can be refused, and the only place that turns one into HTTP.

use std::time::Duration;

use http::StatusCode;
use share::verdict::Denial;

use crate::limits::Refused;

/// When a page that waits for its agent should ask again.
const NOT_READY_RETRY: Duration = Duration::from_secs(3);

/// The text is what the visitor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error("too many requests from your network: please wait a moment")]
    RateLimited(Refused),
    #[error("too many terminals are open here: please try again later")]
    TooManyTerminals(Refused),
    #[error("there is nothing at this address")]
    NoSuchAddress,
    #[error("this address can only be read")]
    MethodNotAllowed,
    #[error("this address only speaks WebSocket")]
    NotWebSocket,
    #[error("the WebSocket request is not valid")]
    BadHandshake,
    #[error("this page may not open the terminal")]
    ForeignOrigin,
    /// No working watch for longer than the grace: a revocation could be missed.
    #[error("the service has lost touch with its cluster: please try again later")]
    Stale,
}

impl RequestError {
    pub fn status(&self) -> StatusCode {
        match self {
            // An expired link looks like one that never was.
            Self::Denied(Denial::Unknown | Denial::Expired) | Self::NoSuchAddress => {
                StatusCode::NOT_FOUND
            }
            Self::Denied(Denial::Network) | Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::Denied(Denial::NotReady | Denial::Suspended) | Self::Stale => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::RateLimited(_) | Self::TooManyTerminals(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::BadHandshake => StatusCode::BAD_REQUEST,
        }
    }

    /// A stable word: `reason` in the JSON answer, and the metrics' label.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Denied(Denial::Unknown | Denial::Expired) | Self::NoSuchAddress => "NotFound",
            Self::Denied(Denial::Network) => "Network",
            Self::Denied(Denial::NotReady) => "NotReady",
            Self::Denied(Denial::Suspended) => "Suspended",
            Self::RateLimited(_) => "RateLimited",
            Self::TooManyTerminals(_) => "TooManyTerminals",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotWebSocket => "NotWebSocket",
            Self::BadHandshake => "BadHandshake",
            Self::ForeignOrigin => "ForeignOrigin",
            Self::Stale => "Unavailable",
        }
    }

    /// When trying again may help, in whole seconds, at least 1.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = match self {
            Self::RateLimited(refused) | Self::TooManyTerminals(refused) => refused.retry_after,
            Self::Denied(Denial::NotReady | Denial::Suspended) | Self::Stale => NOT_READY_RETRY,
            _ => return None,
        };
        Some(wait.as_millis().div_ceil(1000).clamp(1, 3600).try_into().unwrap_or(3600))
    }

    /// Whether the page itself is worth showing: it waits, and says for what.
    pub fn passes_by_itself(&self) -> bool {
        matches!(self, Self::Denied(Denial::NotReady | Denial::Suspended) | Self::Stale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limit;

    #[test]
    fn a_stranger_cannot_tell_an_expired_link_from_a_wrong_one() {
        let seen = |denial| {
            let error = RequestError::from(denial);
            (error.status(), error.category(), error.retry_after_seconds(), error.to_string())
        };
        assert_eq!(seen(Denial::Expired), seen(Denial::Unknown));
    }

    #[test]
    fn waiting_is_told_in_whole_seconds_and_never_zero() {
        let limited = |millis| {
            let retry_after = Duration::from_millis(millis);
            RequestError::RateLimited(Refused { limit: Limit::Requests, retry_after })
                .retry_after_seconds()
        };
        assert_eq!([limited(0), limited(1000), limited(1001)], [Some(1), Some(1), Some(2)]);
        assert_eq!(RequestError::from(Denial::Network).retry_after_seconds(), None);
    }
}
