//! When an agent has to be looked at again though nothing tells us to. Pure.

use std::time::Duration;

use time::OffsetDateTime;

/// The first wait for a name to become free, and the longest.
const CONFLICT_WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// The next look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// A watch will tell.
    OnChange,
    After(Duration),
}

/// `expires_at` is the end of a share that works now. `conflict_since` is since when
/// a name has been somebody else's: what is not ours carries no label of ours, so no
/// watch tells when it goes. It is asked for after as long as it has lasted already.
pub fn again(
    now: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    conflict_since: Option<OffsetDateTime>,
) -> Again {
    let expiry = expires_at.and_then(|end| Duration::try_from(end - now).ok());
    let (first, longest) = CONFLICT_WAITS;
    let conflict = conflict_since
        .map(|since| Duration::try_from(now - since).unwrap_or_default().clamp(first, longest));
    // A share that ends at this very instant has ended.
    let expiry = expiry.filter(|left| !left.is_zero());
    expiry.into_iter().chain(conflict).min().map_or(Again::OnChange, Again::After)
}

#[cfg(test)]
mod tests {
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    #[test]
    fn looks() {
        let secs = |s| Again::After(Duration::from_secs(s));
        let cases = [
            ("nothing pending", None, None, Again::OnChange),
            ("a share that ends", Some(NOON + 1.hours()), None, secs(3600)),
            ("one that ended", Some(NOON - 1.hours()), None, Again::OnChange),
            ("one that ends now", Some(NOON), None, Again::OnChange),
            ("a new conflict", None, Some(NOON), secs(5)),
            ("a minute of conflict", None, Some(NOON - 60.seconds()), secs(60)),
            ("a day of conflict", None, Some(NOON - 1.days()), secs(300)),
            ("a clock that went back", None, Some(NOON + 1.days()), secs(5)),
            ("whichever is first", Some(NOON + 2.seconds()), Some(NOON), secs(2)),
        ];
        for (name, expires_at, conflict_since, expected) in cases {
            assert_eq!(again(NOON, expires_at, conflict_since), expected, "{name}");
        }
    }
}
