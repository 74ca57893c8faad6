//! What passes through an open terminal.

use bytes::Bytes;
use fixtures::demo;
use screen_wire::{Frame, OUTPUT_WINDOW_BYTES};
use terminal_proto::v1::{
    CloseReason, Interrupt, Open, Size, attach_request::Request, attach_response::Response,
};

use crate::{
    pod::{Exec, V4},
    test_broker::{TestBroker, open},
};
use share::Links;

#[tokio::test]
async fn what_is_typed_arrives_and_what_is_shown_comes_back() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;

    viewer.send(Request::Input("ls".into())).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("ls".into())));
    exec.stdout.frame(Frame::InputCredit { bytes: 2 }).await;
    assert_eq!(viewer.input_credit().await, 2);
    exec.stdout.output("README.md").await;
    assert_eq!(viewer.output(9).await, b"README.md");
    viewer.send(Request::Interrupt(Interrupt {})).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Interrupt));
}

#[tokio::test]
async fn the_screen_is_told_of_what_was_drawn_once_it_is_a_quarter_of_the_window() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;

    let quarter = OUTPUT_WINDOW_BYTES / 4;
    exec.stdout.output("x".repeat(quarter)).await;
    viewer.output(quarter).await;
    viewer.send(Request::Ack(9)).await;
    viewer.send(Request::Ack(u64::try_from(quarter).unwrap() - 9)).await;
    let credit = Frame::OutputCredit { bytes: u32::try_from(quarter).unwrap() };
    assert_eq!(exec.stdin.frame().await, Some(credit));
}

#[tokio::test]
async fn the_broker_decides_what_runs_and_where_and_asks_for_no_tty() {
    let mut broker = TestBroker::start().await;
    let _viewer = broker.attach(open()).await.unwrap();
    // A pod of the release before has these flags and no others.
    let expected = "/api/v1/namespaces/team-a/pods/demo/exec\
        ?&stdin=true&stdout=true&stderr=true&container=opencode-server\
        &command=%2Ftools%2Fagent-tools&command=screen&command=attach\
        &command=--port&command=4096&command=--columns&command=120&command=--rows&command=40\
        &command=--window-bytes&command=262144";
    assert_eq!(broker.pods.exec().await.target, expected);
}

#[tokio::test]
async fn the_newest_size_reaches_the_pod() {
    let mut broker = TestBroker::start().await;
    let viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    viewer.send(Request::Resize(Size { columns: 80, rows: 24 })).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Resize { columns: 80, rows: 24 }));
}

#[tokio::test]
async fn what_only_a_newer_gateway_asks_for_is_passed_over() {
    let mut broker = TestBroker::start().await;
    let viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    viewer.send_unknown().await;
    viewer.send(Request::Interrupt(Interrupt {})).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Interrupt));
}

#[tokio::test]
async fn frames_may_be_cut_anywhere_by_the_cluster() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    // The frame of "hi", one byte a message, between an announcement and a complaint.
    exec.stdout.message(&[1][..]).await;
    for byte in [0, 0, 0, 3, 1, b'h', b'i'] {
        exec.stdout.message(vec![1, byte]).await;
        exec.stdout.message(&b"\x02warning"[..]).await;
    }
    assert_eq!(viewer.output(2).await, b"hi");
}

fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|index| u8::try_from(index % 251).unwrap()).collect()
}

/// A screen that fills its window as fast as it may.
async fn pour(mut exec: Exec, output: Vec<u8>, window_bytes: usize) -> Exec {
    let (mut sent, mut credit) = (0, window_bytes);
    while sent < output.len() {
        let frame = credit.min(50_000).min(output.len() - sent);
        if frame > 0 {
            exec.stdout.output(Bytes::copy_from_slice(&output[sent..sent + frame])).await;
            sent += frame;
            credit -= frame;
            continue;
        }
        match exec.stdin.frame().await {
            Some(Frame::OutputCredit { bytes }) => credit += bytes as usize,
            other => panic!("{other:?} instead of credit"),
        }
    }
    exec
}

#[tokio::test]
async fn output_is_complete_and_in_order_and_never_beyond_the_window() {
    const WINDOW: usize = 16 * 1024;
    const ALL: usize = 1024 * 1024;
    let mut broker = TestBroker::start().await;
    let window_bytes = u32::try_from(WINDOW).unwrap();
    let mut viewer = broker.attach(Open { window_bytes, ..open() }).await.unwrap();
    let exec = broker.pods.exec().await;
    let pouring = broker.daemon.tasks.spawn(pour(exec, pattern(ALL), WINDOW));

    let (mut seen, mut under_way) = (Vec::new(), 0);
    while seen.len() < ALL {
        let Response::Output(bytes) = viewer.next().await else { panic!("closed too early") };
        under_way += bytes.len();
        assert!(under_way <= WINDOW, "{under_way} bytes under way");
        seen.extend_from_slice(&bytes);
        // Acknowledges only when the window is used up: every byte of it must come.
        if under_way == WINDOW {
            viewer.send(Request::Ack(under_way as u64)).await;
            under_way = 0;
        }
    }
    assert!(seen == pattern(ALL), "the output came changed");
    pouring.await.unwrap();
}

#[tokio::test]
async fn input_passes_a_viewer_that_draws_nothing() {
    let mut broker = TestBroker::start().await;
    let mut viewer = broker.attach(Open { window_bytes: 4096, ..open() }).await.unwrap();
    let mut exec = broker.pods.exec().await;
    exec.stdout.output(vec![b'x'; 4096]).await;

    viewer.output(4096).await;
    viewer.send(Request::Input("\x03".into())).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("\x03".into())));
    exec.stdout.frame(Frame::InputCredit { bytes: 1 }).await;
    assert_eq!(viewer.input_credit().await, 1, "the exec is read on");
}

#[tokio::test]
async fn an_api_server_that_only_speaks_v4_is_good_enough() {
    let mut broker = TestBroker::start_with(Links::with([demo()]), V4, &[]).await;
    let mut viewer = broker.attach(open()).await.unwrap();
    let mut exec = broker.pods.exec().await;
    viewer.send(Request::Input("ls".into())).await;
    assert_eq!(exec.stdin.frame().await, Some(Frame::Input("ls".into())));
    exec.stdout.frame(Frame::Exit { code: 0 }).await;
    assert_eq!(viewer.closed().await.reason(), CloseReason::Ended);
    assert_eq!(exec.stdin.frame().await, Some(Frame::HangUp));
    assert_eq!(exec.stdin.frame().await, None);
    assert!(!exec.stdin.ended_politely, "v4 has no such message");
}
