//! Visitors of an agent that sleeps: who wakes it, and what the others are told.

use std::time::Duration;

use api_types::condition::reason::PROGRESSING;
use fixtures::{asleep, demo, starting, token};
use futures::future::select_all;
use share::Links;
use terminal_proto::v1::{AgentIdentity, WakeRequest, watch_activity_response::Event};
use time::OffsetDateTime;
use tokio::{
    task::JoinHandle,
    time::{Instant, pause, resume},
};
use tokio_util::task::TaskTracker;
use tonic::{Code, Status};

use crate::{
    pod::V5,
    test_broker::{Client, TestBroker, agent, soon},
};

fn wake() -> WakeRequest {
    WakeRequest { token: token(1).expose().to_owned(), client_address: "203.0.113.9".to_owned() }
}

async fn sleeping() -> TestBroker {
    TestBroker::start_with(Links::with([asleep(), agent(2)]), V5, &[]).await
}

/// A call of its own task, so that a test goes on meanwhile.
fn calling(mut client: Client) -> JoinHandle<Result<(), Status>> {
    TaskTracker::new().spawn(async move { client.wake(wake()).await.map(|_| ()) })
}

async fn answered(call: JoinHandle<Result<(), Status>>) -> Result<(), Code> {
    soon(Duration::from_secs(5), call).await.unwrap().map_err(|status| status.code())
}

fn wish() -> Event {
    Event::Wake(AgentIdentity {
        namespace: "team-a".into(),
        name: "demo".into(),
        uid: "uid-1".into(),
    })
}

#[tokio::test]
async fn every_controller_that_watches_is_asked_and_the_call_ends_once_the_agent_is_waking() {
    let broker = sleeping().await;
    let (mut first, mut second) = (broker.watch().await, broker.watch().await);
    let call = calling(broker.client().await);
    assert_eq!([first.next().await, second.next().await], [wish(), wish()]);
    assert!(!call.is_finished(), "it still sleeps");
    broker.links.apply(&starting(PROGRESSING, ""));
    assert_eq!(answered(call).await, Ok(()));
    let woken = "kubeopencode_wakes_total{result=\"woken\"} 1";
    assert!(broker.daemon.metrics.encode().unwrap().contains(woken));
}

#[tokio::test]
async fn an_agent_that_is_awake_is_left_as_it_is() {
    let broker = TestBroker::start().await;
    assert_eq!(answered(calling(broker.client().await)).await, Ok(()), "nobody need watch");
    let mut watch = broker.watch().await;
    assert_eq!(answered(calling(broker.client().await)).await, Ok(()));
    broker.links.apply(&asleep());
    let _call = calling(broker.client().await);
    assert_eq!(watch.next().await, wish(), "nobody was asked before");
}

#[tokio::test]
async fn each_refusal_has_its_code() {
    let mut suspended = asleep();
    suspended.spec.suspend = true;
    let mut elsewhere = asleep();
    elsewhere.spec.share.as_mut().unwrap().allowed_ips = vec!["192.0.2.0/24".into()];
    let mut expired = asleep();
    let past = OffsetDateTime::UNIX_EPOCH + Duration::from_secs(1);
    expired.spec.share.as_mut().unwrap().expires_at = Some(past);
    let nonsense = WakeRequest { token: "nonsense".into(), ..wake() };
    let wrong = WakeRequest { token: token(9).expose().to_owned(), ..wake() };
    let nowhere = WakeRequest { client_address: "here".into(), ..wake() };
    let cases = vec![
        ("suspended by its owner", suspended, wake(), Code::FailedPrecondition),
        ("another network", elsewhere, wake(), Code::PermissionDenied),
        ("expired", expired, wake(), Code::NotFound),
        ("no token at all", asleep(), nonsense, Code::NotFound),
        ("a wrong token", asleep(), wrong, Code::NotFound),
        ("no address", asleep(), nowhere, Code::InvalidArgument),
    ];
    for (name, agent, request, code) in cases {
        let broker = TestBroker::start_with(Links::with([agent]), V5, &[]).await;
        let _watch = broker.watch().await;
        let refused = broker.client().await.wake(request).await.unwrap_err();
        assert_eq!(refused.code(), code, "{name}");
    }
}

#[tokio::test]
async fn links_that_were_never_listed_wake_nobody() {
    let broker = TestBroker::start_with(Links::new(), V5, &[]).await;
    let _watch = broker.watch().await;
    assert_eq!(answered(calling(broker.client().await)).await, Err(Code::Unavailable));
}

#[tokio::test]
async fn without_a_controller_the_call_is_refused_at_once() {
    let broker = sleeping().await;
    drop(broker.watch().await);
    let gone = async {
        // The broker learns of it a moment later.
        while broker.daemon.metrics.encode().unwrap().contains("controllers_watching 1") {
            tokio::task::yield_now().await;
        }
    };
    soon(Duration::from_secs(5), gone).await;
    let refused = broker.client().await.wake(wake()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(refused.message().contains("no controller"), "{refused:?}");
}

#[tokio::test]
async fn a_controller_that_does_nothing_is_waited_for_no_longer_than_10_s() {
    let broker = sleeping().await;
    let mut watch = broker.watch().await;
    let call = calling(broker.client().await);
    assert_eq!(watch.next().await, wish());
    // From here the clock jumps whenever nobody has anything to do.
    pause();
    let start = Instant::now();
    let refused = call.await.unwrap().unwrap_err();
    let waited = start.elapsed();
    resume();
    assert_eq!(refused.code(), Code::Unavailable);
    assert!(waited.abs_diff(Duration::from_secs(10)) < Duration::from_secs(1), "{waited:?}");
}

#[tokio::test]
async fn an_owner_who_suspends_the_agent_meanwhile_is_not_overruled() {
    let broker = sleeping().await;
    let mut watch = broker.watch().await;
    let call = calling(broker.client().await);
    watch.next().await;
    let mut suspended = asleep();
    suspended.spec.suspend = true;
    broker.links.apply(&suspended);
    assert_eq!(answered(call).await, Err(Code::FailedPrecondition));
}

#[tokio::test]
async fn one_links_visitors_cannot_take_all_the_room_for_calls_that_wait() {
    let broker = sleeping().await;
    let mut watch = broker.watch().await;
    let client = broker.client().await;
    let mut calls: Vec<_> = (0..9).map(|_| calling(client.clone())).collect();
    watch.next().await;
    let refused = soon(Duration::from_secs(5), select_all(&mut calls)).await;
    let (refused, index, _) = refused;
    assert_eq!(refused.unwrap().unwrap_err().code(), Code::ResourceExhausted);
    calls.remove(index);
    broker.links.apply(&demo());
    for call in calls {
        assert_eq!(answered(call).await, Ok(()));
    }
}

#[tokio::test]
async fn a_broker_that_goes_away_lets_nobody_wait() {
    let broker = sleeping().await;
    let mut watch = broker.watch().await;
    let call = calling(broker.client().await);
    watch.next().await;
    broker.daemon.shutdown.cancel();
    assert_eq!(answered(call).await, Err(Code::Unavailable));
}
