//! How sessions end: at once, with a code and a reason that the page can show.

use std::time::{Duration, Instant};

use bytes::Bytes;
use daemon::clock;
use fixtures::{in_state, shared};
use futures::SinkExt;
use share::Links;
use terminal_proto::v1::CloseReason;
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{V1, Viewer, eventually, get, open},
    fake_broker::FakeBroker,
    test_gateway::{TestGateway, demo_id, link, only_from, until},
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
            |links| links.remove(&demo_id()),
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
            "suspended",
            |links| links.apply(&in_state(|status| status.suspended = true)),
            sentence(
                1013,
                "the agent is suspended; ask the person who shared this link to resume it",
            ),
        ),
    ];
    for (name, change, expected) in cases {
        let mut gateway = TestGateway::start(&[]).await;
        let (mut viewer, mut attached) = open(&mut gateway).await;
        let started = Instant::now();
        change(&gateway.links);
        assert_eq!(viewer.closed().await, expected, "{name}");
        assert!(started.elapsed() < Duration::from_millis(100), "{name}: {:?}", started.elapsed());
        attached.hung_up().await;
        attached.abandoned().await;
    }
}

#[tokio::test]
async fn a_change_that_forbids_nothing_ends_nothing() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, attached) = open(&mut gateway).await;
    gateway.links.apply(&only_from("127.0.0.0/8"));
    gateway.links.apply(&in_state(|status| status.ready = false));
    attached.output("still here").await;
    assert_eq!(viewer.next().await, Message::binary(b"still here".to_vec()));
}

#[tokio::test]
async fn a_session_ends_when_its_links_time_is_over() {
    let end = clock::now() + Duration::from_millis(300);
    let mut gateway = TestGateway::with(&[], Links::with([until(end)])).await;
    let (mut viewer, _attached) = open(&mut gateway).await;
    assert_eq!(viewer.closed().await, sentence(1008, "this link has expired"));
    assert!(clock::now() >= end);
    assert_eq!(get(&gateway, &link("")).await.status, 404);
}

#[tokio::test]
async fn the_brokers_last_word_reaches_the_page() {
    let said = "the broker's sentence";
    let cases = [
        (CloseReason::Closed, sentence(1000, said)),
        (CloseReason::Revoked, sentence(1008, said)),
        (CloseReason::Forbidden, sentence(1008, said)),
        (CloseReason::NotReady, sentence(1013, said)),
        (CloseReason::Draining, sentence(1001, "the service is restarting; reconnecting")),
        (CloseReason::Lost, sentence(1013, said)),
    ];
    for (reason, expected) in cases {
        let mut gateway = TestGateway::start(&[]).await;
        let (mut viewer, attached) = open(&mut gateway).await;
        attached.close(reason, said, None).await;
        assert_eq!(viewer.closed().await, expected, "{reason:?}");
    }
}

#[tokio::test]
async fn a_program_that_ends_is_told_with_its_exit_code_after_its_last_output() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, attached) = open(&mut gateway).await;
    attached.output("bye").await;
    attached.close(CloseReason::Ended, "opencode has ended", Some(3)).await;

    assert_eq!(viewer.next().await, Message::binary(b"bye".to_vec()));
    let exit = r#"{"type":"exit","code":3,"message":"opencode has ended"}"#;
    assert_eq!(viewer.next().await, Message::text(exit));
    assert_eq!(viewer.closed().await, sentence(1000, "opencode has ended"));
    for line in [
        "kubeopencode_terminals_closed_total{code=\"1000\",reason=\"ended\"} 1",
        "kubeopencode_terminal_opening_seconds_count 1",
        "kubeopencode_visits_total{class=\"admitted\",reason=\"admitted\"} 1",
        "kubeopencode_brokers{state=\"working\"} 1",
        "kubeopencode_revocation_seconds_count 0",
    ] {
        eventually(line, || gateway.metrics().contains(line)).await;
    }
}

#[tokio::test]
async fn a_killed_broker_is_noticed_at_once_and_its_successor_serves() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, _attached) = open(&mut gateway).await;

    let address = gateway.broker.address;
    let started = Instant::now();
    drop(std::mem::replace(&mut gateway.broker, FakeBroker::start()));
    let lost = sentence(1013, "the connection to the agent was lost");
    assert_eq!(viewer.closed().await, lost);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());

    gateway.broker = FakeBroker::start_at(address);
    open(&mut gateway).await;
}

#[tokio::test]
async fn a_process_that_stops_sends_its_viewers_elsewhere_in_under_2_seconds() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut gateway).await;
    // Neither answers anything, nor reads: they must not hold up the end.
    let _stuck = open(&mut gateway).await;
    let _silent = Viewer::connect(&gateway, V1).await;

    let started = Instant::now();
    let (closed, ()) = tokio::join!(viewer.closed(), gateway.stop());
    assert_eq!(closed, sentence(1001, "the service is restarting; reconnecting"));
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    attached.abandoned().await;
}

#[tokio::test]
async fn a_link_that_is_turned_off_shows_nothing_more_and_says_why_to_a_viewer_that_stalled() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, attached) = open(&mut gateway).await;
    attached.output_until_stalled(&Bytes::from(vec![b'x'; 64 * 1024])).await;
    gateway.links.apply(&shared(|share| share.enabled = false));
    let closed = "kubeopencode_terminals_closed_total{code=\"1008\",reason=\"unknown\"} 1";
    eventually("the session has ended", || gateway.metrics().contains(closed)).await;
    let timed = "kubeopencode_revocation_seconds_count 1";
    eventually("the revocation is timed", || gateway.metrics().contains(timed)).await;

    let mut last = Bytes::new();
    let closed = loop {
        match viewer.next().await {
            Message::Binary(output) => last = output,
            Message::Close(frame) => break frame.unwrap(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(closed.reason.as_str(), "this link was turned off");
    // The message that was under way is completed, with nothing.
    assert_eq!((last.first(), last.last()), (Some(&b'x'), Some(&0)));
}

#[tokio::test]
async fn a_viewer_that_reads_no_close_frame_is_reset() {
    let mut gateway = TestGateway::start(&[]).await;
    let (viewer, attached) = open(&mut gateway).await;
    attached.output_until_stalled(&Bytes::from(vec![b'x'; 64 * 1024])).await;
    gateway.links.apply(&shared(|share| share.enabled = false));
    let gone = || gateway.metrics().contains("kubeopencode_connections{listener=\"share\"} 0");
    eventually("the connection is gone", gone).await;

    let mut stream = viewer.socket.into_inner();
    let ended = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_viewer_that_sends_on_and_on_after_its_end_is_reset_at_once() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, _attached) = open(&mut gateway).await;
    gateway.links.apply(&shared(|share| share.enabled = false));
    let told = Instant::now();
    let more = Message::binary(vec![b'x'; 16 * 1024]);
    while viewer.socket.send(more.clone()).await.is_ok() {}
    assert!(told.elapsed() < Duration::from_millis(800), "{:?}", told.elapsed());
}
