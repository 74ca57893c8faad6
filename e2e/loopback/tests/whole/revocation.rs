//! A link that is taken back, or whose time is over: nothing more is typed, and nothing stays.

use std::time::Duration;

use daemon::clock;
use fixtures::shared;

use crate::{
    guest::Guest,
    program::Program,
    system::{PATIENCE, TestSystem, revoked},
};

/// RFC 6455, 7.4.1: the message violates the policy.
const POLICY: u16 = 1008;

#[tokio::test]
async fn a_revoked_guest_is_told_and_the_pod_is_empty_at_once() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.apply(&revoked());

    let (code, reason) = guest.closed().await;
    assert_eq!(code, POLICY, "{reason}");
    assert!(!reason.is_empty());
    exec.ended(PATIENCE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn what_a_revoked_guest_had_typed_and_the_program_not_read_is_never_read() {
    reads_nothing_after(TestSystem::start(Program::records_later()).await).await;
}

/// The program goes on after its viewer.
#[tokio::test]
async fn what_a_revoked_guest_had_typed_is_never_read_by_a_shared_terminal() {
    reads_nothing_after(TestSystem::start_shared(Program::records_later()).await).await;
}

async fn reads_nothing_after(mut system: TestSystem) {
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;
    while guest.credit == 0 {
        guest.hears().await.unwrap();
    }
    let window = vec![b'x'; guest.credit];
    guest.types(&window).await;
    // The echo says that the first of it lies at the PTY.
    guest.sees(b"x").await;

    system.apply(&revoked());
    assert_eq!(guest.closed().await.0, POLICY);
    exec.hung_up(PATIENCE).await;
    system.program.go();

    exec.ended(PATIENCE).await;
    // A shared terminal goes on for ten seconds.
    system.program.gone(2 * PATIENCE).await;
    assert_eq!(system.program.typed().len(), 0, "bytes were read after the revocation");
}

#[tokio::test]
async fn a_client_that_sends_beyond_its_credit_is_cut_and_nothing_of_it_is_read_after() {
    let mut system = TestSystem::start(Program::records_later()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    // 8 MiB, as a client can that knows no credit; it may be closed in the middle.
    for _ in 0..512 {
        let piece = tokio_tungstenite::tungstenite::Message::binary(vec![b'x'; 16 * 1024]);
        if futures::SinkExt::send(&mut guest.socket, piece).await.is_err() {
            break;
        }
    }
    // Nobody revokes the link: the screen must hear that the guest was cut, not that it left.
    exec.hung_up(PATIENCE).await;
    system.program.go();

    exec.ended(PATIENCE).await;
    system.program.gone(PATIENCE).await;
    assert_eq!(system.program.typed().len(), 0, "bytes were read after the end");
}

#[tokio::test]
async fn a_client_that_sends_beyond_its_credit_is_told_why_it_is_closed() {
    let system = TestSystem::start(Program::records_later()).await;
    let mut guest = Guest::arrives(&system).await;
    while guest.credit == 0 {
        guest.hears().await.unwrap();
    }
    // One byte more than it may, as the program reads nothing.
    let (window, piece) = (guest.credit, vec![b'x'; 16 * 1024]);
    for _ in 0..window / piece.len() + 4 {
        guest.sends(&piece).await;
    }
    let (code, reason) = guest.closed().await;
    assert_eq!(code, POLICY, "{reason}");
}

#[tokio::test]
async fn an_expiry_ends_a_live_page_with_its_reason() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    let end = clock::now() + Duration::from_secs(1);
    system.apply(&shared(|share| share.expires_at = Some(end)));
    guest.types(b"still").await;
    guest.sees(b"still").await;

    let (code, reason) = guest.closed().await;
    assert_eq!(code, POLICY, "{reason}");
    assert!(clock::now() >= end, "it ended before its time");
    assert!(!reason.is_empty());
    exec.ended(PATIENCE).await;
}
