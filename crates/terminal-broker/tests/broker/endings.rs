//! How sessions end, what the viewer is told, and that the pod's side ends with them.

use std::time::Duration;

use api_types::AgentId;
use fixtures::{changed, demo, in_state, published, shared, token};
use screen_wire::Frame;
use terminal_proto::v1::{CloseReason, Open, attach_request::Request};
use time::OffsetDateTime;
use tonic::Code;

use crate::{
    pod::Exec,
    test_broker::{TestBroker, Viewer, open, soon},
};

const ONE_SECOND: Duration = Duration::from_secs(1);

async fn opened() -> (TestBroker, Viewer, Exec) {
    let mut broker = TestBroker::start().await;
    let viewer = broker.attach(open()).await.unwrap();
    let exec = broker.pods.exec().await;
    (broker, viewer, exec)
}

async fn hung_up(exec: Exec) {
    soon(ONE_SECOND, exec.hangs_up()).await;
}

#[tokio::test]
async fn a_link_turned_off_ends_the_terminal_within_a_second() {
    let (broker, mut viewer, exec) = opened().await;
    broker.links.apply(&shared(|share| share.enabled = false));
    let closed = soon(ONE_SECOND, viewer.closed()).await;
    assert_eq!(closed.reason(), CloseReason::Revoked);
    let page = broker.daemon.metrics.encode().unwrap();
    assert!(page.contains("\nkubeopencode_revocation_seconds_count 1\n"), "{page}");
    hung_up(exec).await;
}

#[tokio::test]
async fn a_deleted_agent_ends_its_terminals_and_no_others() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let other = Open { token: token(2).expose().to_owned(), ..open() };
    let _exec = broker.pods.exec().await;
    let mut other = broker.attach(other).await.unwrap();
    let mut exec = broker.pods.exec().await;

    broker.links.remove(&AgentId::of(&demo()));
    assert_eq!(viewer.closed().await.reason(), CloseReason::Revoked);
    exec.stdout.output("still here").await;
    assert_eq!(other.output(10).await, b"still here");
}

#[tokio::test]
async fn a_token_that_was_replaced_ends_the_terminal() {
    let (broker, mut viewer, exec) = opened().await;
    broker.links.apply(&in_state(|status| status.share = Some(published(7, "uid-1"))));
    assert_eq!(viewer.closed().await.reason(), CloseReason::Revoked);
    hung_up(exec).await;
}

#[tokio::test]
async fn a_link_ends_at_its_time_without_any_event() {
    let (broker, mut viewer, exec) = opened().await;
    #[allow(clippy::disallowed_methods, reason = "the broker reads the real clock")]
    let end = OffsetDateTime::now_utc() + Duration::from_millis(300);
    broker.links.apply(&shared(|share| share.expires_at = Some(end)));
    let closed = soon(Duration::from_secs(2), viewer.closed()).await;
    assert_eq!((closed.reason(), closed.category.as_str()), (CloseReason::Revoked, "expired"));
    hung_up(exec).await;
}

#[tokio::test]
async fn a_network_taken_from_the_list_ends_the_terminal() {
    let (broker, mut viewer, exec) = opened().await;
    let network = |network: &str| {
        let network = network.to_owned();
        shared(|share| share.allowed_ips = vec![network])
    };
    broker.links.apply(&network("203.0.113.0/24"));
    broker.links.apply(&network("192.0.2.0/24"));
    assert_eq!(viewer.closed().await.reason(), CloseReason::Forbidden);
    hung_up(exec).await;
}

#[tokio::test]
async fn a_suspended_agent_ends_the_terminal_as_not_ready() {
    let (broker, mut viewer, exec) = opened().await;
    broker.links.apply(&changed(|agent| agent.spec.suspend = true));
    assert_eq!(viewer.closed().await.reason(), CloseReason::NotReady);
    hung_up(exec).await;
}

#[tokio::test]
async fn a_program_that_ends_is_shown_to_its_last_byte_and_with_its_code() {
    let (_bench, mut viewer, mut exec) = opened().await;
    exec.stdout.output("goodbye").await;
    exec.stdout.frame(Frame::Exit { code: 3 }).await;
    assert_eq!(viewer.output(7).await, b"goodbye");
    let closed = viewer.closed().await;
    assert_eq!((closed.reason(), closed.exit_code), (CloseReason::Ended, Some(3)));
    hung_up(exec).await;
}

#[tokio::test]
async fn a_connection_that_breaks_is_lost_and_no_success() {
    let (_bench, mut viewer, mut exec) = opened().await;
    exec.stdout.output("half").await;
    assert_eq!(viewer.output(4).await, b"half");
    drop(exec);
    let closed = viewer.closed().await;
    assert_eq!((closed.reason(), closed.exit_code), (CloseReason::Lost, None));
}

#[tokio::test]
async fn a_program_that_cannot_start_is_lost() {
    let (_bench, mut viewer, mut exec) = opened().await;
    exec.stdout.message(&b"\x02no such file"[..]).await;
    let status = [&[3], &br#"{"status":"Failure","message":"cannot exec"}"#[..]].concat();
    exec.stdout.message(status).await;
    assert_eq!(viewer.closed().await.reason(), CloseReason::Lost);
}

#[tokio::test]
async fn a_viewer_that_gives_up_the_call_ends_the_exec() {
    let (_broker, viewer, exec) = opened().await;
    drop(viewer);
    soon(ONE_SECOND, exec.hears_of_leaving()).await;
}

#[tokio::test]
async fn what_was_typed_just_before_a_clean_end_arrives() {
    let (_broker, mut viewer, mut exec) = opened().await;
    viewer.send(Request::Input("exit\n".into())).await;
    viewer.end_requests();
    assert_eq!(viewer.closed().await.reason(), CloseReason::Closed);
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("exit\n".into())));
    soon(ONE_SECOND, exec.hears_of_leaving()).await;
}

#[tokio::test]
async fn more_input_than_the_window_is_an_invalid_argument() {
    let (_broker, mut viewer, mut exec) = opened().await;
    let window = usize::try_from(viewer.input_window_bytes).unwrap();
    viewer.send(Request::Input(vec![b'x'; window].into())).await;
    assert!(matches!(exec.stdin.frame().await, Some(Frame::Input(_))));
    viewer.send(Request::Input("!".into())).await;
    let error = viewer.responses.message().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    hung_up(exec).await;
}

#[tokio::test]
async fn a_caller_that_opens_twice_is_refused() {
    let (_bench, mut viewer, exec) = opened().await;
    viewer.send(Request::Open(open())).await;
    let error = viewer.responses.message().await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    hung_up(exec).await;
}

#[tokio::test]
async fn a_broker_that_goes_away_says_so_and_is_gone_in_two_seconds() {
    let (broker, mut viewer, exec) = opened().await;
    broker.daemon.shutdown.cancel();
    broker.daemon.tasks.close();
    assert_eq!(viewer.closed().await.reason(), CloseReason::Draining);
    hung_up(exec).await;
    soon(Duration::from_secs(2), broker.daemon.tasks.wait()).await;
}

#[tokio::test]
async fn a_viewer_that_reads_nothing_does_not_hold_up_the_shutdown() {
    let (broker, viewer, _exec) = opened().await;
    broker.daemon.shutdown.cancel();
    broker.daemon.tasks.close();
    soon(Duration::from_secs(2), broker.daemon.tasks.wait()).await;
    drop(viewer);
}
