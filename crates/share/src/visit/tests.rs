use std::cell::Cell;

use api_types::{Access, Agent};
use fixtures::{agent, asleep, changed, demo, linked, published, token};
use futures::FutureExt;
use time::macros::datetime;

use super::*;
use crate::index::ShareIndex;

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
const GRACE: Duration = Duration::from_mins(10);
const HOUR: Duration = Duration::from_hours(1);
const PATIENCE: Duration = Duration::from_secs(2);

fn client() -> ClientAddress {
    ClientAddress::known("203.0.113.9".parse().unwrap())
}

fn noon() -> OffsetDateTime {
    NOON
}

fn admit(links: &Links) -> Result<(Visit, Grant), Denial> {
    Visit::admit(links, &token(1), client(), GRACE, noon)
}

fn until(end: Option<OffsetDateTime>) -> api_types::Agent {
    changed(|agent| agent.spec.share.as_mut().unwrap().expires_at = end)
}

#[tokio::test]
async fn a_visit_learns_the_new_grant_and_at_last_the_denial() {
    let links = Links::with([demo()]);
    let (mut visit, grant) = admit(&links).unwrap();
    assert_eq!((grant.ends_at, grant.access), (None, Access::Interact));

    links.apply(&until(Some(NOON + HOUR)));
    let expected = Grant { ends_at: Some(NOON + HOUR), ..grant };
    assert_eq!(visit.changed(noon).await, Ok(expected));
    assert_eq!(visit.grant(), expected);

    links.apply(&changed(|agent| agent.spec.share.as_mut().unwrap().enabled = false));
    assert_eq!(visit.changed(noon).await, Err(Denial::Unknown));
}

/// What the owner makes of the link `qa`.
fn edited(change: impl FnOnce(&mut api_types::ShareLink)) -> Agent {
    linked(2, change)
}

#[tokio::test]
async fn a_right_that_changes_is_told_without_an_end() {
    let links = Links::with([edited(|_| ())]);
    let (mut visit, grant) = Visit::admit(&links, &token(2), client(), GRACE, noon).unwrap();
    assert_eq!(grant.access, Access::Interact);
    assert_eq!(visit.visitor().link_name.as_ref().map(api_types::LinkName::as_str), Some("qa"));

    links.apply(&edited(|link| {
        link.access = Access::View;
        (link.max_viewers, link.idle_timeout) = (Some(2), "5m".parse().ok());
    }));
    let now = visit.changed(noon).await.unwrap();
    assert_eq!((now.access, now.limits.idle_timeout), (Access::View, Some(GRACE / 2)));
    assert_eq!(now.limits.max_viewers.map(std::num::NonZeroU16::get), Some(2));

    links.apply(&edited(|link| link.allowed_ips = vec!["192.0.2.1".into()]));
    assert_eq!(visit.changed(noon).await, Err(Denial::Network));
}

#[tokio::test]
async fn a_change_of_one_link_is_told_to_its_visitors_and_to_no_other() {
    let both = || edited(|_| ());
    let rotated = linked(3, |_| ());
    let gone = demo();
    let viewed = edited(|link| link.access = Access::View);
    for after in [rotated, gone, viewed] {
        let links = Links::with([both()]);
        let (mut default, _) = admit(&links).unwrap();
        let (mut named, _) = Visit::admit(&links, &token(2), client(), GRACE, noon).unwrap();
        links.apply(&after);
        assert!(default.changed(noon).now_or_never().is_none());
        assert!(named.changed(noon).now_or_never().is_some());
    }
    let links = Links::with([both()]);
    let (mut default, _) = admit(&links).unwrap();
    let (mut named, _) = Visit::admit(&links, &token(2), client(), GRACE, noon).unwrap();
    let mut after = both();
    after.spec.share.as_mut().unwrap().expires_at = Some(NOON);
    links.apply(&after);
    assert_eq!(default.changed(noon).now_or_never(), Some(Err(Denial::Expired)));
    assert!(named.changed(noon).now_or_never().is_none());

    after.spec.share.as_mut().unwrap().enabled = false;
    links.apply(&after);
    assert_eq!(named.changed(noon).now_or_never(), Some(Err(Denial::Unknown)), "all are off");
}

#[tokio::test]
async fn each_change_that_ends_a_visit_says_why() {
    let network =
        changed(|agent| agent.spec.share.as_mut().unwrap().allowed_ips = vec!["192.0.2.1".into()]);
    let closing = changed(|agent| {
        let now = k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(
            k8s_openapi::jiff::Timestamp::UNIX_EPOCH,
        );
        agent.metadata.deletion_timestamp = Some(now);
    });
    let cases = vec![
        ("another token", agent("demo", "uid-1", published(2, "uid-1")), Denial::Unknown),
        (
            "another agent of the name",
            agent("demo", "uid-2", published(1, "uid-2")),
            Denial::Unknown,
        ),
        ("being deleted", closing, Denial::Unknown),
        ("another network", network, Denial::Network),
        ("asleep", asleep(), Denial::Asleep),
        ("suspended", changed(|agent| agent.spec.suspend = true), Denial::Suspended),
        ("an expiry in the past", until(Some(NOON - HOUR)), Denial::Expired),
    ];
    for (name, after, denial) in cases {
        let links = Links::with([demo()]);
        let (mut visit, _) = admit(&links).unwrap();
        links.apply(&after);
        assert_eq!(visit.ended(noon).await, denial, "{name}");
    }
}

#[tokio::test]
async fn an_agent_that_is_not_ready_for_a_moment_cuts_nobody() {
    let links = Links::with([demo()]);
    let (mut visit, _) = admit(&links).unwrap();
    links.apply(&changed(|agent| agent.status.as_mut().unwrap().ready = false));
    assert!(visit.ended(noon).now_or_never().is_none());
    assert_eq!(admit(&links).map(|_| ()), Err(Denial::NotReady(None)));
}

#[tokio::test(start_paused = true)]
async fn an_expiry_ends_the_visit_on_time_whatever_the_wall_clock_says() {
    for step in [-HOUR.as_secs().cast_signed(), 0, HOUR.as_secs().cast_signed()] {
        let links = Links::with([until(Some(NOON + HOUR))]);
        let wall = Cell::new(NOON);
        let clock = || wall.get();
        let (mut visit, _) = Visit::admit(&links, &token(1), client(), GRACE, clock).unwrap();
        wall.set(NOON + time::Duration::seconds(step));
        let start = Instant::now();

        // A change of something else must not have the expiry judged by the clock that was set.
        links.apply(&changed(|agent| {
            agent.spec.share.as_mut().unwrap().expires_at = Some(NOON + HOUR);
            agent.spec.share.as_mut().unwrap().allowed_ips = vec!["203.0.113.0/24".into()];
        }));
        assert!(visit.changed(clock).await.is_ok(), "{step} s");
        assert_eq!(visit.ended(clock).await, Denial::Expired, "{step} s");
        assert!(start.elapsed().abs_diff(HOUR) < Duration::from_secs(1), "{:?}", start.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_visit_knows_when_its_right_ended() {
    let links = Links::with([until(Some(NOON + HOUR))]);
    let (mut visit, _) = admit(&links).unwrap();
    let start = Instant::now();
    visit.ended(noon).await;
    assert_eq!(visit.changed_at() - start, HOUR, "when it expired, and not when that was noticed");

    let links = Links::with([demo()]);
    let (mut visit, _) = admit(&links).unwrap();
    tokio::time::advance(HOUR).await;
    let told = Instant::now();
    links.remove(&api_types::AgentId::of(&demo()));
    tokio::time::advance(HOUR).await;
    visit.ended(noon).await;
    assert_eq!(visit.changed_at(), told, "when the watch told of it");
}

#[tokio::test(start_paused = true)]
async fn an_expiry_far_away_is_reached_as_well() {
    let month = Duration::from_hours(24 * 30);
    let links = Links::with([until(Some(NOON + month))]);
    let (mut visit, _) = admit(&links).unwrap();
    let start = Instant::now();
    assert_eq!(visit.ended(noon).await, Denial::Expired);
    assert!(start.elapsed().abs_diff(month) < Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_known_a_moment_later_is_waited_for() {
    let links = Links::with([]);
    let start = Instant::now();
    let shared = async {
        tokio::time::sleep(PATIENCE / 2).await;
        links.apply(&demo());
    };
    let (visit, ()) = tokio::join!(links.admit_within(PATIENCE, || admit(&links)), shared);
    assert!(visit.is_ok());
    assert_eq!(start.elapsed(), PATIENCE / 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_nobody_has_is_waited_for_no_longer_than_that() {
    let links = Links::with([demo()]);
    let start = Instant::now();
    let admit = || Visit::admit(&links, &token(2), client(), GRACE, noon);
    let late = links.admit_within(PATIENCE, admit).await;
    assert_eq!((late.map(|_| ()), start.elapsed()), (Err(Denial::Unknown), PATIENCE));
}

#[tokio::test(start_paused = true)]
async fn without_a_working_watch_an_unknown_link_may_be_a_new_one() {
    let links = Links::with([demo()]);
    links.broke(None, Instant::now());
    assert!(admit(&links).is_ok(), "known links are believed for the grace");
    let unknown = Visit::admit(&links, &token(2), client(), GRACE, noon);
    assert_eq!(unknown.map(|_| ()), Err(Denial::Stale));

    tokio::time::advance(GRACE + Duration::from_secs(1)).await;
    assert_eq!(admit(&links).map(|_| ()), Err(Denial::Stale));

    let mut index = ShareIndex::default();
    index.apply(&demo());
    links.replace(None, index);
    assert!(admit(&links).is_ok());
}
