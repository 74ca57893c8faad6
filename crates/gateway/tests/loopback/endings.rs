//! How sessions end: at once, with a code and a reason that the page can show.

use std::time::{Duration, Instant};

use daemon::clock;
use share::watch::Links;
use terminal_proto::v1::CloseReason;
use tokio_tungstenite::tungstenite::Message;
use tonic::Status;

use crate::{
    client::{V1, Viewer, eventually, get, open},
    fake_broker::FakeBroker,
    world::{World, demo_ref, in_state, link, only_from, shared, until},
};

fn sentence(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

#[tokio::test]
async fn a_change_of_the_agent_ends_what_it_forbids_within_100_ms() {
    type Change = fn(&Links);
    let cases: [(&str, Change, (u16, String)); 5] = [
        (
            "turned off",
            |links| links.apply(&shared(|share| share.enabled = false)),
            sentence(1008, "this link was turned off"),
        ),
        (
            "the agent deleted",
            |links| links.remove(&demo_ref()),
            sentence(1008, "this link was turned off"),
        ),
        (
            "another network",
            |links| links.apply(&only_from("192.0.2.0/24")),
            sentence(1008, "this link may not be used from your network"),
        ),
        (
            "expired",
            |links| links.apply(&until(clock::now())),
            sentence(1008, "this link has expired"),
        ),
        (
            "the pod restarts",
            |links| links.apply(&in_state(|status| status.ready = false)),
            sentence(1013, "the agent is not ready yet; try again in a moment"),
        ),
    ];
    for (name, change, expected) in cases {
        let mut world = World::start(&[]).await;
        let (mut viewer, mut attached) = open(&mut world).await;
        let started = Instant::now();
        change(&world.links);
        assert_eq!(viewer.closed().await, expected, "{name}");
        assert!(started.elapsed() < Duration::from_millis(100), "{name}: {:?}", started.elapsed());
        attached.abandoned().await;
    }
}

#[tokio::test]
async fn a_change_that_forbids_nothing_ends_nothing() {
    let mut world = World::start(&[]).await;
    let (mut viewer, attached) = open(&mut world).await;
    world.links.apply(&only_from("127.0.0.0/8"));
    attached.output("still here").await;
    assert_eq!(viewer.next().await, Message::binary(b"still here".to_vec()));
}

#[tokio::test]
async fn a_session_ends_when_its_links_time_is_over() {
    let end = clock::now() + Duration::from_millis(300);
    let mut world = World::with(&[], Links::with([until(end)])).await;
    let (mut viewer, _attached) = open(&mut world).await;
    assert_eq!(viewer.closed().await, sentence(1008, "this link has expired"));
    assert!(clock::now() >= end);
    assert_eq!(get(&world, &link("")).await.status, 404);
}

#[tokio::test]
async fn the_brokers_last_word_reaches_the_page() {
    let cases = [
        (CloseReason::Closed, sentence(1000, "closed by an operator")),
        (CloseReason::Revoked, sentence(1008, "this link was turned off")),
        (CloseReason::Expired, sentence(1008, "this link has expired")),
        (CloseReason::Draining, sentence(1001, "the service restarts: reconnecting")),
        (CloseReason::Lost, sentence(1013, "the connection to the agent was lost")),
    ];
    for (reason, expected) in cases {
        let mut world = World::start(&[]).await;
        let (mut viewer, attached) = open(&mut world).await;
        attached.close(reason, "closed by an operator", None).await;
        assert_eq!(viewer.closed().await, expected, "{reason:?}");
    }
}

#[tokio::test]
async fn a_program_that_ends_is_told_with_its_exit_code_after_its_last_output() {
    let mut world = World::start(&[]).await;
    let (mut viewer, attached) = open(&mut world).await;
    attached.output("bye").await;
    attached.close(CloseReason::Ended, "opencode has ended", Some(3)).await;

    assert_eq!(viewer.next().await, Message::binary(b"bye".to_vec()));
    let exit = r#"{"type":"exit","code":3,"message":"opencode has ended"}"#;
    assert_eq!(viewer.next().await, Message::text(exit));
    assert_eq!(viewer.closed().await, sentence(1000, "opencode has ended"));
    let counted = || world.metrics().contains("session_closes_total{code=\"1000\"} 1");
    eventually("the ending is counted", counted).await;
}

#[tokio::test]
async fn the_brokers_refusal_says_whether_to_try_again_and_nothing_else() {
    let cases = [
        (Status::not_found("secret detail"), 1008),
        (Status::permission_denied("secret detail"), 1008),
        (Status::unavailable("secret detail"), 1013),
        (Status::resource_exhausted("secret detail"), 1013),
    ];
    for (status, expected) in cases {
        let world = World::start(&[]).await;
        world.broker.refuse(status.clone());
        let mut viewer = Viewer::connect(&world, V1).await;
        viewer.resize(80, 24).await;
        let (code, reason) = viewer.closed().await;
        assert_eq!(code, expected, "{status:?}");
        assert!(!reason.contains("secret"), "{reason}");
    }
}

#[tokio::test]
async fn a_killed_broker_is_noticed_at_once_and_its_successor_serves() {
    let mut world = World::start(&[]).await;
    let (mut viewer, _attached) = open(&mut world).await;

    let address = world.broker.address;
    let started = Instant::now();
    drop(std::mem::replace(&mut world.broker, FakeBroker::start()));
    let lost = sentence(1013, "the connection to the agent was lost");
    assert_eq!(viewer.closed().await, lost);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());

    world.broker = FakeBroker::start_at(address);
    open(&mut world).await;
}

#[tokio::test]
async fn without_a_broker_the_page_shall_try_again() {
    let mut world = World::start(&[]).await;
    drop(std::mem::replace(&mut world.broker, FakeBroker::start()));
    let mut viewer = Viewer::connect(&world, V1).await;
    viewer.resize(80, 24).await;
    assert_eq!(viewer.closed().await.0, 1013);
}

#[tokio::test]
async fn a_process_that_stops_sends_its_viewers_elsewhere_in_under_2_seconds() {
    let mut world = World::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut world).await;
    // Neither answers anything, nor reads: they must not hold up the end.
    let _stuck = open(&mut world).await;
    let _silent = Viewer::connect(&world, V1).await;

    let started = Instant::now();
    let (closed, ()) = tokio::join!(viewer.closed(), world.stop());
    assert_eq!(closed, sentence(1001, "the service restarts: reconnecting"));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    attached.abandoned().await;
}
