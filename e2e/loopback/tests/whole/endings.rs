//! The ends that are nobody's fault: the program's own, and a shutdown.

use crate::{
    guest::Guest,
    program::Program,
    system::{PATIENCE, TestSystem},
};

#[tokio::test]
async fn a_program_that_ends_closes_the_page_as_ended() {
    let system = TestSystem::start(Program::leaves()).await;
    let mut guest = Guest::arrives(&system).await;
    guest.types(b"\n").await;
    assert_eq!(guest.closed().await.0, 1000);
}

#[tokio::test]
async fn a_gateway_that_is_asked_to_end_sends_its_guests_away_and_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    let (closed, ()) = tokio::join!(guest.closed(), system.gateway.terminate());

    assert_eq!(closed.0, 1001, "{}", closed.1);
    exec.ended(PATIENCE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_broker_that_is_asked_to_end_sends_its_guests_away_and_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    let (closed, ()) = tokio::join!(guest.closed(), system.broker.terminate());

    assert!(matches!(closed.0, 1001 | 1013), "{closed:?}");
    exec.ended(PATIENCE).await;
    system.program.gone(PATIENCE).await;
}
