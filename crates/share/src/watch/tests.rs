use fixtures::{agent, changed, demo, published, token};
use futures::FutureExt;

use super::*;
use crate::verdict::Readiness;

fn other() -> Agent {
    agent("other", "uid-2", published(2, "uid-2"))
}

#[tokio::test]
async fn a_visitor_hears_the_new_state_of_its_own_link_and_of_no_other() {
    let links = Links::with([demo(), other()]);
    let (found, mut share) = links.find_and_follow(&token(1)).unwrap();
    assert_eq!(found.share.readiness, Readiness::Ready);

    links.remove(&AgentId::of(&other()));
    links.apply(&demo());
    assert!(!share.has_changed().unwrap());

    links.apply(&changed(|agent| agent.spec.suspend = true));
    share.changed().await.unwrap();
    let now = share.borrow_and_update().share.clone();
    assert_eq!(now.map(|share| share.readiness), Some(Readiness::Suspended));

    links.remove(&AgentId::of(&demo()));
    share.changed().await.unwrap();
    assert_eq!(share.borrow_and_update().share, None);
    assert_eq!(links.find(&token(1)), None);
}

#[test]
fn a_wrong_token_opens_no_channel() {
    assert!(Links::with([demo()]).find_and_follow(&token(2)).is_none());
}

#[test]
fn digests_copied_by_another_agent_do_not_reach_the_first_ones_visitors() {
    let links = Links::with([demo()]);
    let (_, share) = links.find_and_follow(&token(1)).unwrap();
    let thief = agent("a-thief", "uid-2", published(1, "uid-1"));
    links.apply(&thief);
    links.remove(&AgentId::of(&thief));
    assert!(!share.has_changed().unwrap());
}

#[test]
fn a_listing_tells_the_visitors_of_agents_that_are_gone() {
    let links = Links::with([demo()]);
    let (_, share) = links.find_and_follow(&token(1)).unwrap();
    links.replace(None, ShareIndex::default());
    assert_eq!(share.borrow().share, None);
    assert_eq!(links.find(&token(1)), None);
}

#[tokio::test]
async fn whoever_waits_for_a_link_hears_of_each_change() {
    let links = Links::new();
    let mut news = links.news();
    assert!(news.changed().now_or_never().is_none());
    links.apply(&demo());
    assert!(news.changed().now_or_never().is_some());
    links.apply(&demo());
    assert!(news.changed().now_or_never().is_none(), "nothing changed");
}
