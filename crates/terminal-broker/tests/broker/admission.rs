//! Who gets a terminal, and what the others are told.

use std::time::Duration;

use fixtures::{demo, in_state, shared, token};
use screen_wire::Frame;
use share::Links;
use terminal_proto::v1::Open;
use time::OffsetDateTime;
use tonic::{Code, Status};

use crate::{
    pod::V5,
    test_broker::{TestBroker, agent, open},
};

async fn refused(broker: &TestBroker, open: Open) -> (Code, String) {
    let status: Status = broker.attach(open).await.err().expect("a refusal");
    (status.code(), status.message().to_owned())
}

#[tokio::test]
async fn a_wrong_token_and_an_expired_one_are_answered_alike() {
    let broker = TestBroker::start().await;
    let wrong = Open { token: token(9).expose().to_owned(), ..open() };
    let nonsense = Open { token: "nonsense".into(), ..open() };
    let unknown = refused(&broker, wrong).await;
    assert_eq!(unknown.0, Code::NotFound);
    assert_eq!(refused(&broker, nonsense).await, unknown);

    let long_ago = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1);
    broker.links.apply(&shared(|share| share.expires_at = Some(long_ago)));
    assert_eq!(refused(&broker, open()).await, unknown);

    broker.links.apply(&shared(|share| share.enabled = false));
    assert_eq!(refused(&broker, open()).await, unknown);
}

#[tokio::test]
async fn another_network_is_denied() {
    let broker = TestBroker::start().await;
    broker.links.apply(&shared(|share| share.allowed_ips = vec!["192.0.2.0/24".into()]));
    assert_eq!(refused(&broker, open()).await.0, Code::PermissionDenied);
    let inside = Open { client_address: "::ffff:192.0.2.7".into(), ..open() };
    assert!(broker.attach(inside).await.is_ok());
}

#[tokio::test]
async fn an_agent_that_is_not_ready_is_unavailable() {
    let broker = TestBroker::start().await;
    broker.links.apply(&in_state(|status| status.ready = false));
    assert_eq!(refused(&broker, open()).await.0, Code::Unavailable);
}

#[tokio::test]
async fn terminals_are_limited_by_link_and_in_all_and_come_free_again() {
    let links = Links::with([demo(), agent(2), agent(3)]);
    let flags = ["--max-terminals-per-link=2", "--max-terminals=3"];
    let mut broker = TestBroker::start_with(links, V5, &flags).await;
    let of = |number: u8| Open { token: token(number).expose().to_owned(), ..open() };

    let first = broker.attach(of(1)).await.unwrap();
    let mut exec = broker.pods.exec().await;
    let _second = broker.attach(of(1)).await.unwrap();
    let (code, message) = refused(&broker, of(1)).await;
    assert_eq!(code, Code::ResourceExhausted);
    assert!(message.contains("link"), "{message}");

    let _other = broker.attach(of(2)).await.unwrap();
    assert_eq!(refused(&broker, of(3)).await.0, Code::ResourceExhausted);

    drop(first);
    assert_eq!(exec.stdin.frame().await, Some(Frame::Leave));
    assert_eq!(refused(&broker, of(1)).await.0, Code::ResourceExhausted, "the exec goes on");
    exec.leaves().await;
    broker.only(2).await;
    assert!(broker.attach(of(1)).await.is_ok());
}

#[tokio::test]
async fn a_token_that_the_broker_hears_of_late_is_waited_for() {
    let broker = TestBroker::start_with(Links::with([]), V5, &[]).await;
    let shared_meanwhile = async { broker.links.apply(&demo()) };
    let (attached, ()) = tokio::join!(broker.attach(open()), shared_meanwhile);
    assert!(attached.is_ok());
}

#[tokio::test]
async fn links_that_were_never_listed_admit_nobody() {
    let broker = TestBroker::start_with(Links::new(), V5, &[]).await;
    assert_eq!(refused(&broker, open()).await.0, Code::Unavailable);
}

#[tokio::test]
async fn a_pod_that_cannot_be_reached_is_unavailable_and_keeps_no_place() {
    let mut broker =
        TestBroker::start_with(Links::with([demo()]), V5, &["--max-terminals=1"]).await;
    let url = broker.pods.url.clone();
    broker.pods = crate::pod::Pods::listen(V5).await;
    assert_ne!(broker.pods.url, url);
    for _attempt in 0..2 {
        assert_eq!(refused(&broker, open()).await.0, Code::Unavailable);
    }
}
