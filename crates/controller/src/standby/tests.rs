use time::{ext::NumericalDuration, macros::datetime};

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const TIMEOUT: Duration = Duration::minutes(30);

/// Awake, idle for an hour, and nobody has asked its server yet.
const IDLE: Facts<'_> = Facts {
    idle_timeout: Some(TIMEOUT),
    suspend: false,
    before: Before {
        idle_since: Some(datetime!(2026-11-21 11:00 UTC)),
        asleep_since: None,
        by_request: false,
        ready_since: None,
    },
    sign_of_life: None,
    activity: Activity::Closed(None),
    wake: None,
    sessions: Sessions::NotAsked,
    unanswered_since: None,
    busy_at: None,
    now: NOON,
};

const ASLEEP: Facts<'_> = Facts {
    before: Before { asleep_since: Some(datetime!(2026-11-21 11:30 UTC)), ..IDLE.before },
    ..IDLE
};

fn awake(idle_since: Option<OffsetDateTime>, next: Option<OffsetDateTime>) -> Decision {
    Decision { state: State::Awake, idle_since, ask: false, next }
}

fn asleep(idle_since: OffsetDateTime) -> Decision {
    Decision { state: State::Asleep, idle_since: Some(idle_since), ask: false, next: None }
}

fn check(cases: &[(&str, Facts<'_>, Decision)]) {
    for (name, facts, expected) in cases {
        assert_eq!(decide(facts), *expected, "{name}");
    }
}

#[test]
fn an_agent_falls_asleep_once_it_is_idle_for_its_time_out() {
    let hour_ago = NOON - 1.hours();
    let with = |idle_since| Before { idle_since, ..IDLE.before };
    let ask = Decision { ask: true, ..awake(Some(hour_ago), Some(NOON + 1.seconds())) };
    let new = Facts { before: with(None), ..IDLE };
    let signed = |sign_of_life| Facts { sign_of_life: Some(sign_of_life), ..IDLE };
    check(&[
        ("a new one", new, awake(Some(NOON), Some(NOON + TIMEOUT))),
        ("without standby", Facts { idle_timeout: None, ..IDLE }, awake(None, None)),
        ("its server is asked", IDLE, ask),
        ("it is idle", Facts { sessions: Sessions::Idle, ..IDLE }, asleep(hour_ago)),
        (
            "a minute early",
            Facts { now: hour_ago + 29.minutes(), ..IDLE },
            awake(Some(hour_ago), Some(hour_ago + TIMEOUT)),
        ),
        (
            "a client tells of itself",
            signed("2026-11-21T11:45:00Z"),
            awake(Some(hour_ago), Some(NOON + 15.minutes())),
        ),
        (
            "in another time zone",
            signed("2026-11-21T12:45:00+01:00"),
            awake(Some(hour_ago), Some(NOON + 15.minutes())),
        ),
        (
            "at a time to come",
            signed("9999-12-31T23:59:59Z"),
            awake(Some(hour_ago), Some(NOON + TIMEOUT)),
        ),
        ("long ago", signed("0000-01-01T00:00:00Z"), ask),
        ("unreadably", signed("yesterday"), ask),
        (
            "it became ready only now",
            Facts { before: Before { ready_since: Some(NOON), ..IDLE.before }, ..IDLE },
            awake(Some(hour_ago), Some(NOON + TIMEOUT)),
        ),
        (
            "nobody knows of terminals",
            Facts { activity: Activity::Unknown, ..IDLE },
            awake(Some(hour_ago), None),
        ),
        ("nor of a new one's", Facts { activity: Activity::Unknown, ..new }, awake(None, None)),
    ]);
}

#[test]
fn a_terminal_keeps_an_agent_awake_and_its_end_is_written_once() {
    let with = |idle_since, activity| Facts {
        before: Before { idle_since, ..IDLE.before },
        activity,
        ..IDLE
    };
    let closed = |ago: i64| Activity::Closed(Some(NOON - ago.seconds()));
    let before = NOON - 1.hours();
    check(&[
        ("open", with(None, Activity::Open), awake(None, None)),
        ("opened", with(Some(before), Activity::Open), awake(None, None)),
        ("closed a moment ago", with(None, closed(4)), awake(None, Some(NOON + 6.seconds()))),
        (
            "closed, and nobody came back",
            with(None, closed(10)),
            awake(Some(NOON - 10.seconds()), Some(NOON - 10.seconds() + TIMEOUT)),
        ),
        (
            "the same, a while later",
            with(Some(NOON - 10.seconds()), closed(10)),
            awake(Some(NOON - 10.seconds()), Some(NOON - 10.seconds() + TIMEOUT)),
        ),
        (
            "open for so short that no status told it",
            with(Some(before), closed(60)),
            awake(Some(NOON - 60.seconds()), Some(NOON - 60.seconds() + TIMEOUT)),
        ),
        (
            "closed by a clock that is ahead",
            with(None, closed(-3600)),
            awake(None, Some(NOON + 10.seconds())),
        ),
    ]);
}

#[test]
fn a_server_that_is_busy_keeps_the_agent_awake_and_a_silent_one_for_five_minutes() {
    let answered = |sessions, since: Option<i64>| Facts {
        sessions,
        unanswered_since: since.map(|ago| NOON - ago.seconds()),
        ..IDLE
    };
    let idle_since = Some(NOON - 1.hours());
    check(&[
        ("busy", answered(Sessions::Busy, None), awake(idle_since, Some(NOON + TIMEOUT))),
        (
            "busy a while ago",
            Facts { busy_at: Some(NOON - 1.seconds()), ..answered(Sessions::NotAsked, None) },
            awake(idle_since, Some(NOON - 1.seconds() + TIMEOUT)),
        ),
        (
            "busy long ago",
            Facts { busy_at: Some(NOON - TIMEOUT), ..answered(Sessions::NotAsked, None) },
            Decision { ask: true, ..awake(idle_since, Some(NOON + 1.seconds())) },
        ),
        (
            "it refuses to say, and may be busy",
            answered(Sessions::Refused, None),
            awake(idle_since, Some(NOON + TIMEOUT)),
        ),
        (
            "it refuses after it was silent",
            answered(Sessions::Refused, Some(300)),
            awake(idle_since, Some(NOON + TIMEOUT)),
        ),
        ("silent", answered(Sessions::NoAnswer, None), awake(idle_since, Some(NOON + 5.minutes()))),
        (
            "not asked meanwhile",
            answered(Sessions::NotAsked, Some(60)),
            awake(idle_since, Some(NOON + 4.minutes())),
        ),
        (
            "asked again",
            answered(Sessions::NotAsked, Some(300)),
            Decision { ask: true, ..awake(idle_since, Some(NOON + 1.seconds())) },
        ),
        ("silent again", answered(Sessions::NoAnswer, Some(300)), asleep(NOON - 1.hours())),
    ]);
}

#[test]
fn an_agent_sleeps_until_somebody_calls_it() {
    let since = NOON - 30.minutes();
    let woken = awake(Some(NOON), Some(NOON + TIMEOUT));
    let signed = |sign_of_life| Facts { sign_of_life: Some(sign_of_life), ..ASLEEP };
    let stays = asleep(NOON - 1.hours());
    check(&[
        ("nobody", ASLEEP, stays),
        ("a longer time-out", Facts { idle_timeout: Some(1000.hours()), ..ASLEEP }, stays),
        (
            "a controller that has just started",
            Facts { activity: Activity::Unknown, ..ASLEEP },
            stays,
        ),
        ("a former call", Facts { wake: Some(since - 1.seconds()), ..ASLEEP }, stays),
        ("a visitor", Facts { wake: Some(since + 1.seconds()), ..ASLEEP }, woken),
        ("in the same second", Facts { wake: Some(since + 300.milliseconds()), ..ASLEEP }, woken),
        ("a former sign of life", signed("2026-11-21T11:29:59Z"), stays),
        ("a newer one", signed("2026-11-21T11:31:00Z"), woken),
        ("an unreadable one", signed("\u{0}"), stays),
        (
            "a terminal that was opened meanwhile",
            Facts { activity: Activity::Open, ..ASLEEP },
            awake(None, None),
        ),
        ("standby removed", Facts { idle_timeout: None, ..ASLEEP }, awake(None, None)),
        (
            "a visitor, though no broker tells of terminals",
            Facts { activity: Activity::Unknown, wake: Some(NOON), ..ASLEEP },
            awake(Some(NOON), None),
        ),
    ]);
}

#[test]
fn no_visitor_undoes_what_the_owner_asked_for() {
    let calls = Facts { wake: Some(NOON), sign_of_life: Some("2026-11-21T12:00:00Z"), ..IDLE };
    let suspended = Decision { state: State::Suspended, idle_since: None, ask: false, next: None };
    for facts in [calls, Facts { before: ASLEEP.before, ..calls }] {
        assert_eq!(decide(&Facts { suspend: true, ..facts }), suspended);
    }
    let resumed = Facts { before: Before { by_request: true, ..IDLE.before }, ..IDLE };
    assert_eq!(decide(&resumed), awake(Some(NOON), Some(NOON + TIMEOUT)), "its time begins anew");
}

#[test]
fn a_minute_without_a_sign_of_life_may_be_one_that_was_missed() {
    assert!(is_too_short(15.seconds()) && is_too_short(119.seconds()));
    assert!(!is_too_short(2.minutes()) && !is_too_short(30.minutes()));
}

#[test]
fn what_a_server_said_last_holds_until_it_is_asked_again() {
    use {Sessions::*, Warning::*};
    for (before, said, expected) in [
        (None, NotAsked, None),
        (Some(NotAnswering), NotAsked, Some(NotAnswering)),
        (Some(Refusing), NotAsked, Some(Refusing)),
        (None, NoAnswer, Some(NotAnswering)),
        (Some(Refusing), NoAnswer, Some(NotAnswering)),
        (Some(NotAnswering), Refused, Some(Refusing)),
        (Some(NotAnswering), Idle, None),
        (Some(Refusing), Busy, None),
    ] {
        assert_eq!(heard(before, said), expected, "{before:?} {said:?}");
    }
}

mod properties;
