//! When an agent is reconciled again though no watch reports a change. Pure.

use std::time::Duration;

use time::OffsetDateTime;

/// The shortest and the longest wait for a name to become free.
const CONFLICT_WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// When the next reconcile is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// When a watch reports a change.
    OnChange,
    After(Duration),
}

/// `expires_at` is the end of a share that works now. `conflict_since` is since when a name has
/// been taken by another object: that carries no label of ours, so no watch reports its deletion.
/// The wait for it is as long as the conflict has lasted already.
pub fn requeue(
    now: OffsetDateTime,
    expires_at: Option<OffsetDateTime>,
    conflict_since: Option<OffsetDateTime>,
) -> Requeue {
    let expiry = expires_at.and_then(|end| Duration::try_from(end - now).ok());
    let (first, longest) = CONFLICT_WAITS;
    let conflict = conflict_since
        .map(|since| Duration::try_from(now - since).unwrap_or_default().clamp(first, longest));
    // A share that ends at this very instant has ended.
    let expiry = expiry.filter(|left| !left.is_zero());
    expiry.into_iter().chain(conflict).min().map_or(Requeue::OnChange, Requeue::After)
}

#[cfg(test)]
mod tests {
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    #[test]
    fn the_next_reconcile_is_due_at_the_first_deadline() {
        let secs = |s| Requeue::After(Duration::from_secs(s));
        let cases = [
            ("nothing pending", None, None, Requeue::OnChange),
            ("a share that ends", Some(NOON + 1.hours()), None, secs(3600)),
            ("one that ended", Some(NOON - 1.hours()), None, Requeue::OnChange),
            ("one that ends now", Some(NOON), None, Requeue::OnChange),
            ("a new conflict", None, Some(NOON), secs(5)),
            ("a minute of conflict", None, Some(NOON - 60.seconds()), secs(60)),
            ("a day of conflict", None, Some(NOON - 1.days()), secs(300)),
            ("a clock that went back", None, Some(NOON + 1.days()), secs(5)),
            ("the earlier of two", Some(NOON + 2.seconds()), Some(NOON), secs(2)),
        ];
        for (name, expires_at, conflict_since, expected) in cases {
            assert_eq!(requeue(NOON, expires_at, conflict_since), expected, "{name}");
        }
    }
}
