//! Whatever breaks between page and pod, told or untold: the pod is empty within half a minute.

use crate::{
    guest::Guest,
    program::Program,
    system::{LEFT_ALONE, PATIENCE, TestSystem},
};

#[tokio::test]
async fn a_killed_broker_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.broker.kill().await;

    // Its sockets are closed by the kernel: nobody has to wait for silence.
    exec.ended(PATIENCE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_killed_gateway_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.gateway.kill().await;

    exec.ended(PATIENCE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_broker_cut_off_from_the_api_server_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.broker_to_api.cut();

    exec.ended(LEFT_ALONE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_gateway_cut_off_from_the_broker_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.gateway_to_broker.cut();

    exec.ended(LEFT_ALONE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_page_that_fell_silent_leaves_no_process() {
    let mut system = TestSystem::start(Program::echoes()).await;
    // Never read again, so that no ping is answered; the socket stays open.
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    exec.ended(LEFT_ALONE).await;
    system.program.gone(PATIENCE).await;
}

#[tokio::test]
async fn a_guest_of_a_broker_cut_off_from_the_api_server_is_told_that_it_may_come_back() {
    let system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    system.broker_to_api.cut();
    let (code, reason) = guest.closed_within(LEFT_ALONE).await;
    assert_eq!(code, 1013, "{reason}");
}
