//! The machine's time: the API server writes it into its audit log.

use time::OffsetDateTime;

#[expect(clippy::disallowed_methods, reason = "the one place of this crate that reads the clock")]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
