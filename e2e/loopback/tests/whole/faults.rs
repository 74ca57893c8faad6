//! Whatever breaks between page and pod, told or untold: the pod is empty within half a minute.

use crate::{
    guest::Guest,
    program::Program,
    system::{LEFT_ALONE, NOTICED, PATIENCE, TestSystem},
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

/// Nobody is told of any of these: they are known by 25 s of silence, which all of them wait for at the same time.
#[tokio::test]
async fn whatever_is_cut_off_or_falls_silent_leaves_no_process() {
    tokio::join!(
        a_broker_cut_off_from_the_api_server(),
        a_gateway_cut_off_from_the_broker(),
        a_page_that_fell_silent(),
    );
}

async fn a_broker_cut_off_from_the_api_server() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let mut guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.broker_to_api.cut();

    let ((code, reason), ()) = tokio::join!(guest.closed_within(NOTICED), exec.ended(LEFT_ALONE));
    assert_eq!(code, 1013, "the guest may come back: {reason}");
    system.program.gone(PATIENCE).await;
}

async fn a_gateway_cut_off_from_the_broker() {
    let mut system = TestSystem::start(Program::echoes()).await;
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    system.gateway_to_broker.cut();

    exec.ended(LEFT_ALONE).await;
    system.program.gone(PATIENCE).await;
}

async fn a_page_that_fell_silent() {
    let mut system = TestSystem::start(Program::echoes()).await;
    // Never read again, so that no ping is answered; the socket stays open.
    let _guest = Guest::arrives(&system).await;
    let mut exec = system.api.exec().await;

    exec.ended(LEFT_ALONE).await;
    system.program.gone(PATIENCE).await;
}
