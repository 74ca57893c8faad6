//! Who may hold the lease, by what was read of it. Pure.

use std::time::Duration;

use api_types::time_convert::to_k8s_time;
use k8s_openapi::{api::coordination::v1::LeaseSpec, apimachinery::pkg::apis::meta::v1::MicroTime};
use time::OffsetDateTime;

use super::LEASE_DURATION;

/// What a candidate may do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Write the lease with one's own name: it is free, stale or one's own.
    Claim,
    /// Leave it: somebody holds it.
    Wait,
}

/// `unchanged_for` is how long this process has seen the lease as it is.
pub(super) fn step(spec: Option<&LeaseSpec>, unchanged_for: Duration, me: &str) -> Step {
    match spec.and_then(|spec| spec.holder_identity.as_deref()) {
        None | Some("") => Step::Claim,
        Some(holder) if holder == me => Step::Claim,
        Some(_) if unchanged_for >= duration(spec) => Step::Claim,
        Some(_) => Step::Wait,
    }
}

/// The lease as `me` holds it from `now`.
pub(super) fn claim(previous: Option<&LeaseSpec>, me: &str, now: OffsetDateTime) -> LeaseSpec {
    let previous = previous.cloned().unwrap_or_default();
    let now = micro_time(now);
    let renewed = LeaseSpec {
        holder_identity: Some(me.to_owned()),
        lease_duration_seconds: Some(seconds(LEASE_DURATION)),
        renew_time: Some(now.clone()),
        ..previous
    };
    if previous.holder_identity.as_deref() == Some(me) {
        return renewed;
    }
    LeaseSpec {
        acquire_time: Some(now),
        lease_transitions: Some(previous.lease_transitions.unwrap_or(0).saturating_add(1)),
        ..renewed
    }
}

/// The lease as `me` leaves it, or nothing where somebody else holds it.
pub(super) fn released(
    held: Option<&LeaseSpec>,
    me: &str,
    now: OffsetDateTime,
) -> Option<LeaseSpec> {
    let held = held.filter(|spec| spec.holder_identity.as_deref() == Some(me))?;
    Some(LeaseSpec {
        holder_identity: Some(String::new()),
        lease_duration_seconds: Some(1),
        renew_time: Some(micro_time(now)),
        ..held.clone()
    })
}

fn duration(spec: Option<&LeaseSpec>) -> Duration {
    let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
    seconds.and_then(|s| u64::try_from(s).ok()).map_or(LEASE_DURATION, Duration::from_secs)
}

fn seconds(of: Duration) -> i32 {
    i32::try_from(of.as_secs()).unwrap_or(i32::MAX)
}

/// A Lease's times have microseconds, unlike every other time in the API.
fn micro_time(time: OffsetDateTime) -> MicroTime {
    MicroTime(to_k8s_time(time).0)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn held_by(holder: &str) -> LeaseSpec {
        LeaseSpec {
            holder_identity: Some(holder.into()),
            lease_duration_seconds: Some(15),
            lease_transitions: Some(4),
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn who_may_claim() {
        let (fresh, stale) = (Duration::from_secs(14), Duration::from_secs(15));
        let cases = [
            ("no lease yet", None, fresh, Step::Claim),
            ("given up", Some(held_by("")), fresh, Step::Claim),
            ("our own", Some(held_by("me")), fresh, Step::Claim),
            ("another's, alive", Some(held_by("other")), fresh, Step::Wait),
            ("another's, silent", Some(held_by("other")), stale, Step::Claim),
        ];
        for (name, spec, unchanged_for, expected) in cases {
            assert_eq!(step(spec.as_ref(), unchanged_for, "me"), expected, "{name}");
        }
    }

    #[test]
    fn taking_over_counts_a_transition_and_renewing_does_not() {
        let taken = claim(Some(&held_by("other")), "me", NOON);
        assert_eq!(taken.lease_transitions, Some(5));
        assert_eq!(taken.acquire_time, taken.renew_time);

        let renewed = claim(Some(&taken), "me", NOON + time::Duration::seconds(5));
        assert_eq!(renewed.lease_transitions, Some(5));
        assert_eq!(renewed.acquire_time, taken.acquire_time);
        assert_ne!(renewed.renew_time, taken.renew_time);
    }

    #[test]
    fn only_the_holder_can_release() {
        assert_eq!(released(Some(&held_by("other")), "me", NOON), None);
        let left = released(Some(&held_by("me")), "me", NOON).unwrap();
        assert_eq!(step(Some(&left), Duration::ZERO, "other"), Step::Claim);
    }
}
