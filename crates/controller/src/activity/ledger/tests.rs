use time::{ext::NumericalDuration, macros::datetime};

use super::*;

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn demo(uid: &str) -> AgentId {
    AgentId { namespace: "team-a".into(), name: "demo".into(), uid: uid.into() }
}

fn broker(n: u8) -> SocketAddr {
    ([10, 0, 0, n], 50051).into()
}

/// Of brokers that serve.
fn listed(brokers: &[u8]) -> BTreeMap<SocketAddr, Condition> {
    brokers.iter().map(|n| (broker(*n), Condition::Serving)).collect()
}

fn with(terminals: u32) -> HashMap<AgentId, u32> {
    [(demo("1"), terminals)].into()
}

fn activity(ledger: &Ledger) -> Activity {
    ledger.view(&demo("1"), NOON).activity
}

#[test]
fn nothing_is_known_until_every_broker_has_told_it() {
    let mut ledger = Ledger::default();
    assert_eq!(activity(&ledger), Activity::Unknown, "no broker is known");
    ledger.list(&listed(&[1, 2]), NOON);
    ledger.snapshot(broker(1), HashMap::new(), NOON);
    assert_eq!(activity(&ledger), Activity::Unknown);
    assert!(ledger.take_pending().is_empty());
    ledger.snapshot(broker(2), HashMap::new(), NOON);
    assert_eq!(activity(&ledger), Activity::Closed(None));
    assert_eq!(ledger.take_pending(), Pending::All, "what waited for it is decided");

    ledger.lost(broker(1));
    assert_eq!(activity(&ledger), Activity::Unknown, "one is unreachable");
    let mut draining = listed(&[2]);
    draining.insert(broker(1), Condition::NotServing);
    ledger.list(&draining, NOON);
    assert_eq!(activity(&ledger), Activity::Closed(None), "it serves nobody any more");
    ledger.list(&listed(&[]), NOON);
    assert_eq!(activity(&ledger), Activity::Unknown, "no broker is left");
}

#[test]
fn terminals_of_all_brokers_count_together() {
    let mut ledger = Ledger::default();
    ledger.list(&listed(&[1, 2]), NOON);
    ledger.snapshot(broker(1), with(2), NOON);
    assert_eq!(activity(&ledger), Activity::Open, "whatever the other one has");
    ledger.snapshot(broker(2), with(1), NOON);
    ledger.take_pending();

    ledger.change(broker(1), demo("1"), 0, NOON).unwrap();
    assert_eq!(activity(&ledger), Activity::Open);
    assert!(ledger.take_pending().is_empty(), "it is in use as before");
    ledger.list(&listed(&[1]), NOON + 5.seconds());
    assert_eq!(activity(&ledger), Activity::Closed(Some(NOON + 5.seconds())), "with its broker");
    assert_eq!(ledger.take_pending(), Pending::Some([demo("1")].into()));
    assert_eq!(ledger.view(&demo("2"), NOON).activity, Activity::Closed(None), "another UID");

    ledger.change(broker(1), demo("1"), 1, NOON).unwrap();
    ledger.change(broker(1), demo("1"), 0, NOON + 9.seconds()).unwrap();
    assert_eq!(activity(&ledger), Activity::Closed(Some(NOON + 9.seconds())));
}

#[test]
fn a_broker_that_is_heard_again_tells_what_was_closed_meanwhile() {
    let mut ledger = Ledger::default();
    ledger.list(&listed(&[1]), NOON);
    ledger.snapshot(broker(1), with(1), NOON);
    ledger.lost(broker(1));
    assert_eq!(activity(&ledger), Activity::Open, "as far as is known");
    ledger.snapshot(broker(1), HashMap::new(), NOON + 20.seconds());
    assert_eq!(activity(&ledger), Activity::Closed(Some(NOON + 20.seconds())));
}

#[test]
fn a_request_to_wake_is_forgotten_after_a_minute() {
    let mut ledger = Ledger::default();
    ledger.wake(demo("1"), NOON);
    assert_eq!(ledger.take_pending(), Pending::Some([demo("1")].into()));
    let wake = |ledger: &Ledger, after| ledger.view(&demo("1"), NOON + after).wake;
    assert_eq!(wake(&ledger, 59.seconds()), Some(NOON));
    assert_eq!(wake(&ledger, 60.seconds()), None);
    ledger.wake(demo("2"), NOON + 61.seconds());
    assert_eq!(ledger.wakes.len(), 1);
}

#[test]
fn a_broker_cannot_fill_the_memory() {
    let mut ledger = Ledger::default();
    ledger.list(&listed(&[1]), NOON);
    let agents = (0..AGENTS_MAX).map(|uid| (demo(&uid.to_string()), 1));
    ledger.snapshot(broker(1), agents.collect(), NOON);
    ledger.change(broker(1), demo("1"), 2, NOON).unwrap();
    ledger.change(broker(1), demo("one more"), 1, NOON).unwrap_err();
}
