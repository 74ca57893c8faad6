//! When an agent is reconciled again though no watch reports a change. Pure.

use std::time::Duration;

use time::OffsetDateTime;

/// The shortest and the longest wait for a problem to pass that no watch tells of.
const PROBLEM_WAITS: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(5));

/// When the next reconcile is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requeue {
    /// When a watch reports a change.
    OnChange,
    After(Duration),
}

/// `deadlines` are when something changes by itself, such as the end of a share that works now. `problems` are since when a name has been
/// taken by another object, or a rule of the cluster has refused one of ours: neither carries a label
/// of ours, so no watch reports its end. The wait for it is as long as it has lasted already.
pub fn requeue(
    now: OffsetDateTime,
    deadlines: &[OffsetDateTime],
    problems: &[OffsetDateTime],
) -> Requeue {
    let ahead = deadlines.iter().filter_map(|end| Duration::try_from(*end - now).ok());
    // A share that ends at this very instant has ended.
    let ahead = ahead.filter(|left| !left.is_zero());
    let (first, longest) = PROBLEM_WAITS;
    let lasted = |since: &OffsetDateTime| Duration::try_from(now - *since).unwrap_or_default();
    let retries = problems.iter().map(|since| lasted(since).clamp(first, longest));
    ahead.chain(retries).min().map_or(Requeue::OnChange, Requeue::After)
}

#[cfg(test)]
mod tests {
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    #[test]
    fn the_next_reconcile_is_due_at_the_first_deadline() {
        let secs = |s| Requeue::After(Duration::from_secs(s));
        let cases: [(_, &[_], &[_], _); 11] = [
            ("nothing pending", &[], &[], Requeue::OnChange),
            ("a share that ends", &[NOON + 1.hours()], &[], secs(3600)),
            ("one that ended", &[NOON - 1.hours()], &[], Requeue::OnChange),
            ("one that ends now", &[NOON], &[], Requeue::OnChange),
            ("a new problem", &[], &[NOON], secs(5)),
            ("a minute of it", &[], &[NOON - 60.seconds()], secs(60)),
            ("a day of it", &[], &[NOON - 1.days()], secs(300)),
            ("a clock that went back", &[], &[NOON + 1.days()], secs(5)),
            ("a deadline and a problem", &[NOON + 2.seconds()], &[NOON], secs(2)),
            ("two deadlines", &[NOON + 2.seconds(), NOON + 1.seconds()], &[], secs(1)),
            ("two problems", &[], &[NOON - 60.seconds(), NOON - 9.seconds()], secs(9)),
        ];
        for (name, deadlines, problems, expected) in cases {
            assert_eq!(requeue(NOON, deadlines, problems), expected, "{name}");
        }
    }
}
