use super::*;
use crate::{
    fixture::{agent, changed, demo, published, token},
    verdict::Readiness,
};

fn place() -> AgentRef {
    AgentRef::new("team-a", "demo")
}

#[tokio::test]
async fn a_session_learns_of_its_agents_change_and_of_no_others() {
    let other = || agent("other", "uid-2", &published(2, "uid-2"));
    let links = Links::with([demo(), other()]);
    let (found, mut changes) = links.find_and_follow(&token(1)).unwrap();
    assert_eq!(found.share.readiness, Readiness::Ready);

    links.remove(&AgentRef::of(&other()));
    links.apply(&demo());
    assert!(!changes.has_changed().unwrap());

    links.apply(&changed(|agent| agent.spec.suspend = true));
    changes.changed().await.unwrap();
    assert_eq!(links.find(&token(1)).unwrap().share.readiness, Readiness::Suspended);

    links.remove(&place());
    changes.changed().await.unwrap();
    assert_eq!(links.find(&token(1)), None);
}

#[test]
fn a_wrong_token_opens_no_channel() {
    assert!(Links::with([demo()]).find_and_follow(&token(2)).is_none());
}

#[test]
fn a_listing_wakes_the_sessions_of_agents_that_are_gone() {
    let links = Links::with([demo()]);
    let changes = links.changes(&place());
    links.replace(ShareIndex::default());
    assert!(changes.has_changed().unwrap());
    assert!(links.is_empty());
}

#[tokio::test(start_paused = true)]
async fn links_are_stale_from_the_first_failure_to_the_next_listing() {
    let links = Links::new();
    tokio::time::advance(Duration::from_secs(5)).await;
    assert_eq!(links.stale_for(Instant::now()), Some(Duration::from_secs(5)), "never listed");

    links.replace(ShareIndex::default());
    assert_eq!(links.stale_for(Instant::now()), None);

    for _failure in 0..2 {
        links.broke(Instant::now());
        tokio::time::advance(Duration::from_secs(30)).await;
    }
    assert_eq!(links.stale_for(Instant::now()), Some(Duration::from_mins(1)));
}
