//! From the page's size to an open terminal: who is asked for it, and how long.

use std::time::{Duration, Instant};

use fixtures::shared;
use tonic::Status;

use crate::{
    client::{V1, Viewer},
    fake_broker::FakeBroker,
    test_gateway::TestGateway,
};

async fn visitor(gateway: &TestGateway) -> Viewer {
    let mut viewer = Viewer::connect(gateway, V1).await;
    viewer.resize(80, 24).await;
    viewer
}

#[tokio::test]
async fn what_passes_is_waited_out() {
    let refusals = [
        Status::unavailable("draining"),
        Status::not_found("this broker has not heard of the link yet"),
        Status::resource_exhausted("full"),
    ];
    for status in refusals {
        let mut gateway = TestGateway::start(&[]).await;
        gateway.broker.refuse(3, &status);
        let mut viewer = visitor(&gateway).await;
        let started = Instant::now();
        gateway.broker.attached().await.open().await;
        assert!(viewer.next().await.to_text().unwrap().contains("hello"), "{status:?}");
        assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn what_will_not_pass_is_said_at_once_without_its_details() {
    for status in [Status::permission_denied("secret detail"), Status::invalid_argument("secret")] {
        let gateway = TestGateway::start(&[]).await;
        gateway.broker.refuse(2, &status);
        let (code, reason) = visitor(&gateway).await.closed().await;
        assert_eq!((code, gateway.broker.refusals_left()), (1008, 1), "{status:?}");
        assert!(!reason.contains("secret"), "{reason}");
    }
}

#[tokio::test]
async fn a_terminal_that_does_not_open_is_given_up_after_10_seconds_to_be_tried_again() {
    let gateway = TestGateway::start(&[]).await;
    let status = Status::not_found("secret detail");
    gateway.broker.refuse(1000, &status);
    let started = Instant::now();
    let mut viewer = visitor(&gateway).await;
    // The test's patience is as long.
    tokio::time::sleep(Duration::from_secs(9)).await;
    let expected = "the terminal cannot be opened now; try again in a moment";
    assert_eq!(viewer.closed().await, (1013, expected.to_owned()));
    assert!(started.elapsed().abs_diff(Duration::from_secs(10)) < Duration::from_secs(1));
    let tries = 1000 - gateway.broker.refusals_left();
    assert!((7..=13).contains(&tries), "{tries}: pauses double, up to a second and its jitter");
}

#[tokio::test]
async fn a_visit_that_ends_meanwhile_is_told_so_at_once() {
    let gateway = TestGateway::start(&[]).await;
    gateway.broker.refuse(1000, &Status::unavailable("draining"));
    let mut viewer = visitor(&gateway).await;
    gateway.links.apply(&shared(|share| share.enabled = false));
    let started = Instant::now();
    assert_eq!(viewer.closed().await, (1008, "this link was turned off".to_owned()));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_broker_that_comes_back_is_found_meanwhile() {
    let mut gateway = TestGateway::start(&[]).await;
    let address = gateway.broker.address;
    drop(std::mem::replace(&mut gateway.broker, FakeBroker::start()));
    let mut viewer = visitor(&gateway).await;
    gateway.broker = FakeBroker::start_at(address);
    gateway.broker.attached().await.open().await;
    assert!(viewer.next().await.is_text());
}
