use futures::FutureExt;
use prometheus_client::registry::Registry;

use super::*;

fn activity() -> Activity {
    Activity::new(BrokerMetrics::register(&mut Registry::default(), &share::Links::new()))
}

fn agent(number: usize) -> AgentId {
    AgentId::new("team-a", format!("agent-{number}"), format!("uid-{number}"))
}

/// What can be read at once.
fn read(watcher: &mut Watcher) -> Vec<Event> {
    std::iter::from_fn(|| watcher.next().now_or_never()?.ok()).collect()
}

#[test]
fn the_snapshot_comes_first_and_then_each_change() {
    let activity = activity();
    let first = activity.session(&agent(1));
    let second = activity.session(&agent(1));
    let mut watcher = activity.watch().unwrap();
    assert_eq!(read(&mut watcher), [Event::Snapshot(vec![(agent(1), 2)])]);

    drop(first);
    assert_eq!(read(&mut watcher), [Event::Terminals(agent(1), 1)]);
    drop(second);
    assert_eq!(read(&mut watcher), [Event::Terminals(agent(1), 0)]);
    assert!(activity.state().terminals.is_empty(), "an agent that nobody uses takes no room");
}

#[test]
fn changes_and_wakes_that_were_not_read_are_merged() {
    let activity = activity();
    let mut watcher = activity.watch().unwrap();
    read(&mut watcher);
    for _ in 0..1000 {
        drop(activity.session(&agent(1)));
    }
    let _open = activity.session(&agent(1));
    let _asking = [activity.ask(&agent(2)).unwrap(), activity.ask(&agent(2)).unwrap()];
    assert_eq!(read(&mut watcher), [Event::Wake(agent(2)), Event::Terminals(agent(1), 1)]);
}

#[test]
fn a_watcher_that_never_reads_is_cut_off_and_holds_nothing() {
    let activity = activity();
    let mut watcher = activity.watch().unwrap();
    for number in 0..=UNREAD_AGENTS_MAX {
        drop(activity.session(&agent(number)));
        let unread = &activity.state().watchers[&watcher.number];
        assert!(unread.terminals.len() <= UNREAD_AGENTS_MAX);
    }
    assert!(activity.state().watchers[&watcher.number].terminals.is_empty());
    assert_eq!(watcher.next().now_or_never(), Some(Ok(Event::Snapshot(vec![]))));
    assert_eq!(watcher.next().now_or_never(), Some(Err(Overrun)));
}

#[test]
fn nobody_is_asked_where_no_controller_watches() {
    let activity = activity();
    assert_eq!(activity.ask(&agent(1)).err(), Some(NotAsked::NoController));
    drop(activity.watch().unwrap());
    assert_eq!(activity.ask(&agent(1)).err(), Some(NotAsked::NoController));
}

#[test]
fn a_controller_that_comes_later_hears_of_calls_that_wait() {
    let activity = activity();
    let _first = activity.watch().unwrap();
    let asking = activity.ask(&agent(1)).unwrap();
    let mut second = activity.watch().unwrap();
    assert_eq!(read(&mut second), [Event::Snapshot(vec![]), Event::Wake(agent(1))]);
    drop(asking);
    let mut third = activity.watch().unwrap();
    assert_eq!(read(&mut third), [Event::Snapshot(vec![])]);
}

#[test]
fn calls_that_wait_are_bounded_for_each_agent_and_in_all() {
    let activity = activity();
    let _watcher = activity.watch().unwrap();
    let mut waiting = Vec::new();
    for number in 0..WAITING_MAX / WAITING_FOR_ONE_MAX {
        for _ in 0..WAITING_FOR_ONE_MAX {
            waiting.push(activity.ask(&agent(number)).unwrap());
        }
        assert_eq!(activity.ask(&agent(number)).err(), Some(NotAsked::TooManyCalls));
    }
    assert_eq!(activity.ask(&agent(1000)).err(), Some(NotAsked::TooManyCalls));
    waiting.clear();
    assert!(activity.ask(&agent(1000)).is_ok());
    assert!(activity.state().wanted.is_empty());
}

#[test]
fn of_the_calls_that_wait_one_reports_that_the_agent_woke() {
    let activity = activity();
    let _watcher = activity.watch().unwrap();
    let calls = [activity.ask(&agent(1)).unwrap(), activity.ask(&agent(1)).unwrap()];
    assert_eq!([calls[0].woke(), calls[1].woke()], [Seen::First, Seen::Again]);
    drop(calls);
    assert_eq!(activity.ask(&agent(1)).unwrap().woke(), Seen::First, "another time");
}

#[test]
fn watches_are_bounded() {
    let activity = activity();
    let mut watchers: Vec<_> = (0..WATCHERS_MAX).map(|_| activity.watch().unwrap()).collect();
    assert!(activity.watch().is_none());
    watchers.pop();
    assert!(activity.watch().is_some());
}
