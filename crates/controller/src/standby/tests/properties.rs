//! What holds of every decision.

use proptest::prelude::*;
use time::ext::NumericalDuration;

use super::*;

fn times() -> impl Strategy<Value = OffsetDateTime> {
    (-10_000_000_i64..10_000_000).prop_map(|ms| NOON + ms.milliseconds())
}

fn activities() -> impl Strategy<Value = Activity> {
    prop_oneof![
        Just(Activity::Unknown),
        Just(Activity::Open),
        proptest::option::of(times()).prop_map(Activity::Closed),
    ]
}

prop_compose! {
    fn befores()(
        idle_since in proptest::option::of(times()),
        asleep_since in proptest::option::of(times()),
        by_request: bool,
        ready_since in proptest::option::of(times()),
    ) -> Before {
        Before { idle_since: idle_since.map(whole_seconds), asleep_since: asleep_since.map(whole_seconds), by_request, ready_since }
    }
}

prop_compose! {
    fn facts()(
        seconds in proptest::option::of(0_i64..100_000),
        suspend: bool,
        before in befores(),
        activity in activities(),
        wake in proptest::option::of(times()),
        sessions in proptest::sample::select(vec![Sessions::NotAsked, Sessions::Idle, Sessions::Busy, Sessions::Refused, Sessions::NoAnswer]),
        unanswered_since in proptest::option::of(times()),
        busy_at in proptest::option::of(times()),
    ) -> Facts<'static> {
        Facts { idle_timeout: seconds.map(Duration::seconds), suspend, before, activity, wake, sessions, unanswered_since, busy_at, ..IDLE }
    }
}

/// The facts once the status says what was decided.
fn published<'a>(facts: &Facts<'a>, decision: &Decision) -> Facts<'a> {
    let asleep_since = facts.before.asleep_since.unwrap_or(whole_seconds(facts.now));
    let before = Before {
        idle_since: decision.idle_since,
        asleep_since: (decision.state == State::Asleep).then_some(asleep_since),
        by_request: decision.state == State::Suspended,
        ..facts.before
    };
    Facts { before, sessions: Sessions::NotAsked, ..*facts }
}

proptest! {
    #[test]
    fn nobody_loses_a_terminal_and_an_owner_is_obeyed(facts in facts()) {
        let decision = decide(&facts);
        prop_assert!(decision.state != State::Asleep || facts.activity != Activity::Open);
        prop_assert_eq!(decision.state == State::Suspended, facts.suspend);
        let fell_asleep = decision.state == State::Asleep && facts.before.asleep_since.is_none();
        prop_assert!(!fell_asleep || facts.activity != Activity::Unknown);
        prop_assert!(!fell_asleep || facts.sessions != Sessions::Refused);
        prop_assert!(!decision.ask || facts.sessions == Sessions::NotAsked);
    }

    #[test]
    fn what_was_decided_is_decided_again_and_nothing_is_written(facts in facts(), later in 0_i64..3600) {
        let first = decide(&facts);
        let settled = published(&facts, &first);
        let second = decide(&settled);
        if !first.ask && !second.ask {
            prop_assert_eq!((second.state, second.idle_since), (first.state, first.idle_since));
        }
        // Until it is due, time alone changes nothing.
        let due = second.next.unwrap_or(OffsetDateTime::new_utc(time::Date::MAX, time::Time::MIDNIGHT));
        let then = settled.now + later.seconds();
        if then < due && !second.ask && second.idle_since.is_some() {
            let third = decide(&Facts { now: then, wake: None, activity: settled.activity, ..settled });
            prop_assert!(third.idle_since == second.idle_since || settled.wake.is_some() || future(&settled));
        }
    }

    #[test]
    fn no_annotation_is_a_hazard(text in ".{0,60}", asleep: bool) {
        let before = if asleep { ASLEEP.before } else { IDLE.before };
        let decision = decide(&Facts { sign_of_life: Some(&text), before, ..IDLE });
        prop_assert!(decision.next.is_none_or(|next| next > NOON));
    }
}

/// Whether something lies ahead of the clock, which is taken for now.
fn future(facts: &Facts<'_>) -> bool {
    matches!(facts.activity, Activity::Closed(Some(at)) if at > facts.now)
}
