//! What a viewer types: how much of it may be under way, what overtakes it, and that it arrives.

use futures::SinkExt;
use terminal_proto::v1::{Interrupt, attach_request::Request as Asked};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{V1, Viewer, eventually, open},
    fake_broker::INPUT_WINDOW_BYTES,
    test_gateway::TestGateway,
};

const WINDOW: usize = INPUT_WINDOW_BYTES as usize;

fn credit(bytes: usize) -> Message {
    Message::text(format!(r#"{{"type":"credit","bytes":{bytes}}}"#))
}

#[tokio::test]
async fn a_page_learns_what_the_program_took_and_may_send_as_much_anew() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut gateway).await;
    viewer.type_in(&"x".repeat(WINDOW)).await;
    attached.input(WINDOW).await;
    attached.credit(INPUT_WINDOW_BYTES).await;
    assert_eq!(viewer.next().await, credit(WINDOW));
    viewer.type_in(&"y".repeat(WINDOW)).await;
    assert!(attached.input(WINDOW).await.starts_with('y'));
}

#[tokio::test]
async fn credit_and_output_that_come_together_both_arrive() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut gateway).await;
    viewer.type_in("ls").await;
    attached.input(2).await;
    attached.credit(2).await;
    attached.output("ls").await;
    let mut seen = [viewer.next().await, viewer.next().await];
    seen.sort_by_key(Message::is_binary);
    assert_eq!(seen, [credit(2), Message::binary(b"ls".to_vec())]);
}

#[tokio::test]
async fn a_page_that_sends_more_than_its_window_is_closed() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut gateway).await;
    viewer.type_in(&"x".repeat(WINDOW)).await;
    viewer.type_in("x").await;
    let expected = (1008, "more input than the input window allows".to_owned());
    assert_eq!(viewer.closed().await, expected);
    attached.hung_up().await;
}

#[tokio::test]
async fn no_more_than_the_window_waits_for_a_terminal_to_open() {
    let gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.resize(80, 24).await;
    viewer.type_in(&"x".repeat(WINDOW)).await;
    viewer.type_in("x").await;
    assert_eq!(viewer.closed().await.0, 1008);
}

#[tokio::test]
async fn an_interrupt_overtakes_and_drops_what_waits() {
    let mut gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.resize(80, 24).await;
    let mut attached = gateway.broker.attached().await;
    viewer.type_in("pasted").await;
    viewer.interrupt().await;
    viewer.type_in("after").await;
    viewer.resize(80, 25).await;
    assert!(matches!(attached.asked().await, Asked::Resize(_)), "all of it was read");

    attached.open().await;
    assert_eq!(attached.asked().await, Asked::Interrupt(Interrupt {}));
    assert_eq!(attached.input(5).await, "after");
    assert!(viewer.next().await.is_text());
    assert_eq!(viewer.next().await, credit(6), "what was dropped may be sent anew");
}

#[tokio::test]
async fn an_older_page_is_not_read_while_its_window_is_used_up() {
    let mut gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, &[]).await;
    viewer.resize(80, 24).await;
    let mut attached = gateway.broker.attached().await;
    attached.open().await;

    viewer.type_in(&"a".repeat(WINDOW - 10)).await;
    viewer.type_in(&"b".repeat(100)).await;
    viewer.type_in("c").await;
    let window = attached.input(WINDOW).await;
    assert_eq!(window.matches('b').count(), 10);
    let held = format!("terminal_bytes_total{{direction=\"input\"}} {}", WINDOW + 90);
    assert!(gateway.metrics().contains(&held), "{}", gateway.metrics());

    attached.credit(50).await;
    assert_eq!(attached.input(50).await, "b".repeat(50));
    assert!(attached.is_idle());
    attached.credit(1000).await;
    assert_eq!(attached.input(41).await, format!("{}c", "b".repeat(40)));
}

#[tokio::test]
async fn what_was_typed_just_before_a_viewer_left_still_arrives() {
    for protocol in [V1, &[]] {
        let mut gateway = TestGateway::start(&[]).await;
        let mut viewer = Viewer::connect(&gateway, protocol).await;
        viewer.resize(80, 24).await;
        let mut attached = gateway.broker.attached().await;
        attached.open().await;
        attached.output("$ ").await;
        while !viewer.next().await.is_binary() {}
        let paste = "p".repeat(WINDOW - 5);
        viewer.socket.feed(Message::binary(paste.clone().into_bytes())).await.unwrap();
        viewer.socket.feed(Message::binary(b"exit\r".to_vec())).await.unwrap();
        viewer.socket.close(None).await.unwrap();

        assert_eq!(attached.input(WINDOW).await, format!("{paste}exit\r"));
        // An older page is not read before, so it is not known that it left.
        attached.credit(INPUT_WINDOW_BYTES).await;
        attached.abandoned().await;
        drop(attached);
        let closed = || gateway.metrics().contains("kubeopencode_terminals_open 0");
        eventually("the session is over", closed).await;
    }
}
