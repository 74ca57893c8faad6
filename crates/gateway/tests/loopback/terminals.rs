//! A terminal through the gateway: what arrives where, and that nothing waits for what it need not.

use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use terminal_proto::v1::{Open, Size, attach_request::Request as Asked};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{V1, Viewer, eventually, open},
    test_gateway::{TestGateway, token},
};

fn input(text: &str) -> Asked {
    Asked::Input(Bytes::copy_from_slice(text.as_bytes()))
}

#[tokio::test]
async fn the_broker_learns_who_comes_with_which_token_and_size() {
    let mut gateway = TestGateway::start(&["--trusted-proxies=127.0.0.1"]).await;
    let headers = [V1[0], ("x-forwarded-for", "203.0.113.9")];
    let mut viewer = Viewer::connect(&gateway, &headers).await;
    assert_eq!(viewer.granted["sec-websocket-protocol"], V1[0].1);
    viewer.resize(120, 40).await;

    let attached = gateway.broker.attached().await;
    let expected = Open {
        token: token().expose().to_owned(),
        client_address: "203.0.113.9".to_owned(),
        size: Some(Size { columns: 120, rows: 40 }),
        window_bytes: 262_144,
        accepts_lz4: true,
        join: None,
    };
    assert!(attached.open == expected, "{:?}", attached.open);

    attached.open().await;
    let hello = r#"{"type":"hello","agent":{"name":"demo","namespace":"team-a"},"window":262144,"input_window":65536,"silence_ms":25000,"access":"interact"}"#;
    assert_eq!(viewer.next().await, Message::text(hello));
}

#[tokio::test]
async fn bytes_sizes_and_acknowledgements_pass_both_ways() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut gateway).await;

    viewer.type_in("ls\r").await;
    assert_eq!(attached.asked().await, input("ls\r"));
    viewer.resize(100, 5000).await;
    assert_eq!(attached.asked().await, Asked::Resize(Size { columns: 100, rows: 1000 }));

    attached.output("\x1b[31mred\x1b[0m").await;
    assert_eq!(viewer.next().await, Message::binary(Bytes::from_static(b"\x1b[31mred\x1b[0m")));
    viewer.text(r#"{"type":"from a later page"}"#).await;
    viewer.ack(5).await;
    assert_eq!(attached.asked().await, Asked::Ack(5));
    // 12 bytes were sent: nobody can have drawn more than the 7 that are left.
    viewer.ack(1_000_000).await;
    assert_eq!(attached.asked().await, Asked::Ack(7));
}

#[tokio::test]
async fn what_is_typed_before_the_terminal_is_open_is_not_lost() {
    let mut gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.resize(80, 24).await;
    viewer.type_in("early").await;
    let mut attached = gateway.broker.attached().await;
    viewer.resize(90, 30).await;
    assert_eq!(attached.asked().await, Asked::Resize(Size { columns: 90, rows: 30 }));
    assert!(attached.is_idle(), "input before the terminal was open");
    attached.open().await;
    assert_eq!(attached.asked().await, input("early"));
}

#[tokio::test]
async fn input_never_waits_behind_output_that_nobody_reads() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, mut attached) = open(&mut gateway).await;

    // Until every buffer on the way is full: the viewer does not read at all.
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    assert!(attached.output_until_stalled(&piece).await > 4);

    viewer.type_in("\x03").await;
    assert_eq!(attached.asked().await, input("\x03"));
    viewer.resize(90, 30).await;
    assert_eq!(attached.asked().await, Asked::Resize(Size { columns: 90, rows: 30 }));
    assert_eq!(attached.output_until_stalled(&piece).await, 0, "the output flowed again meanwhile");
}

#[tokio::test]
async fn viewers_that_do_not_read_hold_up_nobody_else() {
    let mut gateway = TestGateway::start(&[]).await;
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let (viewer, attached) = open(&mut gateway).await;
        attached.output_until_stalled(&piece).await;
        stalled.push((viewer, attached));
    }
    let (mut viewer, mut attached) = open(&mut gateway).await;
    attached.output("flows").await;
    assert_eq!(viewer.next().await, Message::binary(Bytes::from_static(b"flows")));
    viewer.type_in("q").await;
    assert_eq!(attached.asked().await, input("q"));
}

#[tokio::test]
async fn an_open_terminal_is_pinged() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, _attached) = open(&mut gateway).await;
    assert!(matches!(viewer.socket.next().await, Some(Ok(Message::Ping(_)))));
}

#[tokio::test]
async fn an_older_page_gets_bytes_only_and_need_not_acknowledge() {
    let mut gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, &[]).await;
    assert!(!viewer.granted.contains_key("sec-websocket-protocol"));
    viewer.resize(132, 43).await;

    let mut attached = gateway.broker.attached().await;
    assert_eq!(attached.open.size, Some(Size { columns: 132, rows: 43 }));
    attached.open().await;
    attached.output("hello").await;
    assert_eq!(viewer.next().await, Message::binary(Bytes::from_static(b"hello")));
    assert_eq!(attached.asked().await, Asked::Ack(5));
    viewer.type_in("q").await;
    assert_eq!(attached.asked().await, input("q"));
}

#[tokio::test]
async fn an_older_page_may_type_before_it_says_its_size() {
    let mut gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, &[]).await;
    viewer.type_in("q").await;
    let mut attached = gateway.broker.attached().await;
    assert_eq!(attached.open.size, Some(Size { columns: 80, rows: 24 }));
    attached.open().await;
    assert_eq!(attached.asked().await, input("q"));
}

#[tokio::test]
async fn an_older_page_that_says_nothing_gets_a_terminal_within_a_second() {
    let mut gateway = TestGateway::start(&[]).await;
    let started = Instant::now();
    let _viewer = Viewer::connect(&gateway, &[]).await;
    let attached = gateway.broker.attached().await;
    assert_eq!(attached.open.size, Some(Size { columns: 80, rows: 24 }));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn the_broker_is_told_when_a_viewer_leaves() {
    let mut gateway = TestGateway::start(&[]).await;
    let (viewer, mut attached) = open(&mut gateway).await;
    drop(viewer);
    attached.abandoned().await;
    drop(attached);
    let closed = || gateway.metrics().contains("kubeopencode_terminals_open 0");
    eventually("the session is over", closed).await;
}
