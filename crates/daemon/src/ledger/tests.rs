use std::{collections::BTreeMap, net::IpAddr};

use proptest::{collection::vec, prelude::*};

use super::*;

fn client(number: u8) -> ClientKey {
    IpAddr::from([192, 0, 2, number]).into()
}

/// A ledger in which each connection keeps its name.
fn demo(max: usize) -> Ledger<&'static str> {
    Ledger::new(max)
}

#[test]
fn the_client_with_the_most_connections_loses_the_longest_idle_one() {
    let mut ledger = demo(4);
    let (first, _) = ledger.open(client(1), "first");
    ledger.open(client(1), "second");
    ledger.open(client(1), "third");
    ledger.open(client(2), "guest");
    // It was busy in between, so the second is idle for longer.
    ledger.set(first, Activity::Busy);
    ledger.set(first, Activity::Idle);

    assert_eq!(ledger.open(client(3), "newcomer").1, Some("second"));
}

#[test]
fn a_newcomer_counts_among_its_clients_own() {
    let mut ledger = demo(2);
    ledger.open(client(1), "old");
    ledger.open(client(2), "flood");
    assert_eq!(ledger.open(client(2), "more flood").1, Some("flood"));
    assert_eq!(ledger.open(client(2), "still more").1, Some("more flood"));
}

#[test]
fn among_equals_the_longest_idle_connection_is_evicted() {
    let mut ledger = demo(3);
    let (first, _) = ledger.open(client(9), "answering");
    ledger.open(client(1), "idle");
    ledger.open(client(5), "idle later");
    ledger.set(first, Activity::Busy);
    assert_eq!(ledger.open(client(7), "newcomer").1, Some("idle"));
}

#[test]
fn a_busy_connection_is_evicted_only_where_its_client_has_no_idle_one() {
    let mut ledger = demo(2);
    let (first, _) = ledger.open(client(1), "first");
    let (second, _) = ledger.open(client(1), "second");
    ledger.set(first, Activity::Busy);
    assert_eq!(ledger.open(client(2), "third").1, Some("second"));

    assert_eq!(ledger.close(second), None, "it is gone already");
    let (fourth, evicted) = ledger.open(client(1), "fourth");
    assert_eq!(evicted, Some("first"), "a newcomer is not evicted, even before a busy one");
    assert_eq!(ledger.close(fourth), Some("fourth"));
}

#[test]
fn a_closed_connection_leaves_nothing_behind() {
    let mut ledger = demo(8);
    let (id, _) = ledger.open(client(1), "one");
    assert_eq!(ledger.close(id), Some("one"));
    ledger.set(id, Activity::Busy);
    assert!(ledger.open.is_empty() && ledger.clients.is_empty() && ledger.ranks.is_empty());
}

#[derive(Clone, Debug)]
enum Event {
    Open(u8),
    Set(prop::sample::Index, Activity),
    Close(prop::sample::Index),
}

fn event() -> impl Strategy<Value = Event> {
    let activity = prop_oneof![Just(Activity::Idle), Just(Activity::Busy)];
    prop_oneof![
        3 => (0..6_u8).prop_map(Event::Open),
        2 => (any::<prop::sample::Index>(), activity).prop_map(|(id, to)| Event::Set(id, to)),
        1 => any::<prop::sample::Index>().prop_map(Event::Close),
    ]
}

/// What the rules say, written down as simply as they are.
#[derive(Default)]
struct Model(BTreeMap<Id, (u8, Activity)>);

impl Model {
    fn counts(&self) -> BTreeMap<u8, usize> {
        let mut counts = BTreeMap::new();
        self.0.values().for_each(|(client, _)| *counts.entry(*client).or_default() += 1);
        counts
    }

    fn check(&self, evicted: Id, newcomer: Id) -> Result<(), TestCaseError> {
        let (client, activity) = self.0[&evicted];
        let counts = self.counts();
        prop_assert_eq!(Some(&counts[&client]), counts.values().max());
        prop_assert_ne!(evicted, newcomer);
        let idle = self.0.iter().any(|(id, (owner, activity))| {
            *owner == client && *activity == Activity::Idle && *id != newcomer
        });
        prop_assert!(activity == Activity::Idle || !idle, "a busy one went before an idle one");
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_rules_hold_after_any_events(max in 1..6_usize, events in vec(event(), 0..60)) {
        let (mut ledger, mut model) = (Ledger::new(max), Model::default());
        let mut names: HashMap<u64, Id> = HashMap::new();
        for (name, event) in (0_u64..).zip(events) {
            let ids: Vec<Id> = model.0.keys().copied().collect();
            match event {
                Event::Open(number) => {
                    let (id, evicted) = ledger.open(client(number), name);
                    names.insert(name, id);
                    model.0.insert(id, (number, Activity::Idle));
                    prop_assert_eq!(evicted.is_some(), model.0.len() > max);
                    if let Some(evicted) = evicted {
                        model.check(names[&evicted], id)?;
                        model.0.remove(&names[&evicted]);
                    }
                }
                Event::Set(index, activity) if !ids.is_empty() => {
                    let id = *index.get(&ids);
                    ledger.set(id, activity);
                    model.0.get_mut(&id).unwrap().1 = activity;
                }
                Event::Close(index) if !ids.is_empty() => {
                    let id = *index.get(&ids);
                    prop_assert!(ledger.close(id).is_some());
                    model.0.remove(&id);
                }
                Event::Set(..) | Event::Close(_) => {}
            }
            prop_assert!(ledger.open.len() <= max);
            prop_assert_eq!(ledger.open.len(), model.0.len());
            prop_assert_eq!(ledger.ranks.len(), model.counts().len());
        }
    }
}
