//! The one place that reads the wall clock. All other code takes `now` as a parameter.

use time::OffsetDateTime;

/// The present time, UTC.
#[allow(clippy::disallowed_methods, reason = "this is the one source of the time")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
