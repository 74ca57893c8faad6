use std::{cell::RefCell, collections::VecDeque, time::Duration};

use fixtures::{agent, demo, published, token};
use futures::stream::{self, BoxStream};
use serde_json::json;

use super::*;
use crate::watch::Freshness;

type Item = watcher::Result<Event<ObservedAgent>>;

fn object(agent: &Agent) -> ObservedAgent {
    serde_json::from_value(serde_json::to_value(agent).unwrap()).unwrap()
}

fn other() -> Agent {
    agent("other", "uid-2", published(2, "uid-2"))
}

fn listing(agents: &[Agent]) -> Vec<Item> {
    let each = agents.iter().map(|agent| Event::InitApply(object(agent)));
    [Event::Init].into_iter().chain(each).chain([Event::InitDone]).map(Ok).collect()
}

fn failure() -> Item {
    Err(watcher::Error::NoResourceVersion)
}

fn quiet_after(items: Vec<Item>) -> BoxStream<'static, Item> {
    stream::iter(items).chain(stream::pending()).boxed()
}

/// Feeds from each of `streams` in turn until all is quiet for a minute.
async fn fed(links: &Links, streams: Vec<BoxStream<'static, Item>>) {
    let streams = RefCell::new(VecDeque::from(streams));
    let open = || streams.borrow_mut().pop_front().unwrap_or_else(|| stream::pending().boxed());
    let quiet = tokio::time::sleep(Duration::from_mins(1));
    tokio::select! {
        biased;
        () = keep_fed(links, open) => unreachable!("it feeds for ever"),
        () = quiet => {}
    }
}

#[tokio::test(start_paused = true)]
async fn events_open_and_close_links() {
    let links = Links::new();
    assert!(!links.is_watching());

    let mut events = listing(&[demo()]);
    events.push(Ok(Event::Apply(object(&other()))));
    events.push(Ok(Event::Delete(object(&demo()))));
    fed(&links, vec![quiet_after(events)]).await;

    assert!(links.is_watching());
    assert!(links.find(&token(1)).is_none());
    assert!(links.find(&token(2)).is_some());
}

#[tokio::test(start_paused = true)]
async fn half_a_listing_changes_nothing() {
    let links = Links::with([demo()]);
    let half = vec![Ok(Event::Init), Ok(Event::InitApply(object(&other()))), failure()];
    fed(&links, vec![stream::iter(half).boxed()]).await;

    assert!(links.find(&token(1)).is_some(), "an outage revokes nothing");
    assert!(links.find(&token(2)).is_none());
    assert_eq!(links.freshness(Duration::from_mins(1)), Freshness::Fresh);
    assert_eq!(links.freshness(Duration::from_secs(59)), Freshness::Stale);
}

#[tokio::test(start_paused = true)]
async fn an_agent_deleted_during_an_outage_is_revoked_by_the_next_listing() {
    let links = Links::new();
    let mut before = listing(&[demo(), other()]);
    before.push(failure());
    let unreachable = stream::iter([failure()]).boxed();
    fed(&links, vec![stream::iter(before).boxed(), unreachable, quiet_after(listing(&[other()]))])
        .await;

    assert!(links.find(&token(1)).is_none());
    assert!(links.find(&token(2)).is_some());
    assert!(links.is_watching());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_cannot_be_read_closes_its_own_link_only() {
    let links = Links::new();
    let mut unreadable = serde_json::to_value(demo()).unwrap();
    unreadable["spec"]["share"]["expiresAt"] = json!("next week");
    let mut events = listing(&[demo(), other()]);
    events.push(Ok(Event::Apply(serde_json::from_value(unreadable).unwrap())));
    fed(&links, vec![quiet_after(events)]).await;

    assert!(links.find(&token(1)).is_none());
    assert!(links.find(&token(2)).is_some());
    assert!(links.is_watching());
}
