//! Every way a request can be refused, and the only place that turns one into HTTP. A visit's
//! denial is matched by its class alone.

use std::time::Duration;

use http::StatusCode;
use share::{Class, Denial, capacity::Full};

use crate::{limits::Refused, router::Methods};

/// When a page that waits for its agent should ask again.
const WAIT_RETRY: Duration = Duration::from_secs(3);
/// When a terminal may have been closed: nobody knows, so not too often.
const FULL_RETRY: Duration = Duration::from_secs(10);

/// The text is what the visitor reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    #[error(transparent)]
    Denied(#[from] Denial),
    #[error(transparent)]
    Full(#[from] Full),
    #[error("too many requests; try again in a moment")]
    RateLimited(Refused),
    #[error("there is nothing at this address")]
    NoSuchAddress,
    /// With those that the address has.
    #[error("method not allowed")]
    MethodNotAllowed(Methods),
    #[error("this address only speaks WebSocket")]
    NotWebSocket,
    #[error("the WebSocket request is not valid")]
    BadHandshake,
    #[error("a page of another site may not use this link")]
    ForeignOrigin,
    /// What acts without saying where it comes from must be no form of another site's page.
    #[error("this request needs the content type application/json")]
    NotJson,
    /// No controller answered, or none of the brokers.
    #[error("nobody woke the agent; try again in a moment")]
    NotWoken,
    /// Its connection had to make room while it was answered.
    #[error("too many connections; try again in a moment")]
    Evicted,
}

impl RequestError {
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Denied(denial) => match denial.class() {
                Class::Hidden => StatusCode::NOT_FOUND,
                Class::Forbidden => StatusCode::FORBIDDEN,
                Class::Wait => StatusCode::SERVICE_UNAVAILABLE,
            },
            Self::NoSuchAddress => StatusCode::NOT_FOUND,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::RateLimited(_) | Self::Full(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotWebSocket => StatusCode::UPGRADE_REQUIRED,
            Self::BadHandshake => StatusCode::BAD_REQUEST,
            Self::NotWoken | Self::Evicted => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// A stable word: `reason` in the JSON answer, and the metrics' label.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Denied(denial) => denial.reason(),
            Self::NoSuchAddress => "NotFound",
            Self::RateLimited(_) => "RateLimited",
            Self::Full(_) => "TooManyTerminals",
            Self::MethodNotAllowed(_) => "MethodNotAllowed",
            Self::NotJson => "NotJson",
            Self::NotWoken => "NotWoken",
            Self::NotWebSocket => "NotWebSocket",
            Self::BadHandshake => "BadHandshake",
            Self::ForeignOrigin => "ForeignOrigin",
            Self::Evicted => "Unavailable",
        }
    }

    /// When trying again may help, in whole seconds, at least 1.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        let wait = match self {
            Self::RateLimited(refused) => refused.retry_after,
            Self::Full(_) => FULL_RETRY,
            Self::Denied(denial) if denial.class() == Class::Wait => WAIT_RETRY,
            Self::NotWoken | Self::Evicted => WAIT_RETRY,
            _ => return None,
        };
        Some(wait.as_millis().div_ceil(1000).clamp(1, 3600).try_into().unwrap_or(3600))
    }

    /// Whether the page itself is worth showing: it waits, and says for what, or offers to wake the
    /// agent.
    pub fn leaves_hope(&self) -> bool {
        matches!(self, Self::Denied(denial) if denial.class() == Class::Wait)
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
            RequestError::RateLimited(Refused { limit: Limit::LinkRequests, retry_after })
                .retry_after_seconds()
        };
        assert_eq!([limited(0), limited(1000), limited(1001)], [Some(1), Some(1), Some(2)]);
        assert_eq!(RequestError::from(Denial::Network).retry_after_seconds(), None);
        assert_eq!(RequestError::from(Denial::Stale).retry_after_seconds(), Some(3));
    }
}
