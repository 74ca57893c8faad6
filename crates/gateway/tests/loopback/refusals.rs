//! What the gateway refuses, and that it does so before it costs anything.

use std::time::Duration;

use futures::StreamExt;
use share::Links;
use time::macros::datetime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};
use tokio_tungstenite::tungstenite::{
    Message,
    protocol::frame::{
        Frame,
        coding::{Data, OpCode},
    },
};

use crate::{
    client::{Answer, V1, Viewer, eventually, get, open, request},
    test_gateway::{TestGateway, link, until, wrong_token},
};

fn wrong() -> String {
    format!("/s/{}/info", wrong_token().expose())
}

/// When the answer says to come back, in seconds.
fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().unwrap()
}

#[tokio::test]
async fn too_many_requests_through_one_link_are_answered_by_when_to_come_back() {
    let flags = ["--link-request-burst=3", "--link-requests-per-minute=6"];
    let gateway = TestGateway::start(&flags).await;
    for _ in 0..3 {
        assert_eq!(get(&gateway, &link("/info")).await.status, 200);
    }
    let refused = get(&gateway, &link("/info")).await;
    assert_eq!((refused.status.as_u16(), refused.header("connection")), (429, "close"));
    assert!((1..=10).contains(&retry_after(&refused)), "{refused:?}");
    assert!(gateway.metrics().contains("rate_limited_total{limit=\"link_requests\"} 1"));
}

#[tokio::test]
async fn terminals_are_opened_at_a_bounded_rate() {
    let flags = ["--link-opening-burst=2", "--link-openings-per-minute=6"];
    let gateway = TestGateway::start(&flags).await;
    for _ in 0..2 {
        Viewer::connect(&gateway, V1).await;
    }
    let refused = Viewer::try_connect(gateway.address, &link("/terminal"), V1).await.err().unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
    assert_eq!(get(&gateway, &link("/info")).await.status, 200);
}

#[tokio::test]
async fn a_client_that_tries_tokens_is_locked_out_for_a_while() {
    let gateway = TestGateway::start(&["--wrong-tokens-per-minute=2", "--lockout=90s"]).await;
    for _ in 0..2 {
        assert_eq!(get(&gateway, &wrong()).await.status, 404);
    }
    for _ in 0..3 {
        let refused = get(&gateway, &wrong()).await;
        assert_eq!(refused.status, 429);
        assert!((80..=90).contains(&retry_after(&refused)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_guest_is_served_whatever_others_try_from_the_same_address() {
    let flags = ["--request-burst=5", "--requests-per-minute=1"];
    let mut gateway = TestGateway::start(&flags).await;
    for _ in 0..500 {
        get(&gateway, &wrong()).await;
        get(&gateway, "/elsewhere").await;
    }
    assert_eq!(get(&gateway, &wrong()).await.status, 429);
    assert_eq!(get(&gateway, "/elsewhere").await.status, 429);

    let page = get(&gateway, &link("")).await;
    let file = page.body.split('"').find(|part| part.starts_with("assets/main-")).unwrap();
    assert_eq!(get(&gateway, &format!("/s/{file}")).await.status, 200);
    assert_eq!(
        (page.status.as_u16(), get(&gateway, &link("/info")).await.status.as_u16()),
        (200, 200)
    );
    open(&mut gateway).await;
}

#[tokio::test]
async fn a_token_is_not_called_wrong_by_a_gateway_that_has_not_heard_from_the_cluster() {
    let flags = ["--wrong-tokens-per-minute=1"];
    let gateway = TestGateway::with(&flags, Links::new()).await;
    for path in [wrong(), wrong(), wrong(), "/s/not-a-token".to_owned()] {
        assert_eq!(get(&gateway, &path).await.status, 503);
    }
}

#[tokio::test]
async fn an_expired_token_counts_as_a_wrong_one() {
    let over = until(datetime!(2020-01-01 00:00 UTC));
    let gateway = TestGateway::with(&["--wrong-tokens-per-minute=2"], Links::with([over])).await;
    let seen = [
        get(&gateway, &link("/info")).await.status.as_u16(),
        get(&gateway, &link("/info")).await.status.as_u16(),
        get(&gateway, &link("/info")).await.status.as_u16(),
    ];
    assert_eq!(seen, [404, 404, 429]);
}

#[tokio::test]
async fn a_lockout_hits_one_client_of_a_proxy_and_not_all() {
    let gateway =
        TestGateway::start(&["--wrong-tokens-per-minute=1", "--trusted-proxies=127.0.0.1"]).await;
    let from = |client| [("x-forwarded-for", client)];
    let mut seen = Vec::new();
    for client in ["203.0.113.9", "203.0.113.9", "203.0.113.10"] {
        seen.push(request(&gateway, "GET", &wrong(), &from(client)).await.status.as_u16());
    }
    assert_eq!(seen, [404, 429, 404]);
}

#[tokio::test]
async fn terminals_are_limited_before_the_upgrade_and_a_closed_one_makes_room() {
    let gateway = TestGateway::start(&["--max-terminals-per-link=1"]).await;
    let mut first = Viewer::connect(&gateway, V1).await;

    let path = link("/terminal");
    let refused = Viewer::try_connect(gateway.address, &path, V1).await.err().unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));

    first.socket.close(None).await.unwrap();
    while first.socket.next().await.is_some() {}
    let closed = || gateway.metrics().contains("kubeopencode_terminals_open 0");
    eventually("the terminal's place is free", closed).await;
    assert!(Viewer::try_connect(gateway.address, &path, V1).await.is_ok());
}

#[tokio::test]
async fn a_plain_request_for_the_terminal_is_told_to_upgrade() {
    let gateway = TestGateway::start(&[]).await;
    let answer = get(&gateway, &link("/terminal")).await;
    assert_eq!((answer.status.as_u16(), answer.header("upgrade")), (426, "websocket"));
    assert_eq!(answer.header("sec-websocket-version"), "13");
}

#[tokio::test]
async fn another_sites_page_opens_no_terminal() {
    let gateway = TestGateway::start(&["--allowed-origins=https://portal.example.com"]).await;
    let own = format!("http://{}", gateway.address);
    let cases = [
        ("https://evil.example", false),
        ("null", false),
        (own.as_str(), true),
        ("https://portal.example.com", true),
    ];
    for (origin, expected) in cases {
        let headers = [("origin", origin)];
        let answer = Viewer::try_connect(gateway.address, &link("/terminal"), &headers).await;
        match answer {
            Ok(_) => assert!(expected, "{origin}"),
            Err(refused) => assert_eq!((refused.status().as_u16(), expected), (403, false)),
        }
    }
}

#[tokio::test]
async fn a_wrong_token_opens_no_terminal() {
    let gateway = TestGateway::start(&[]).await;
    let path = format!("/s/{}/terminal", wrong_token().expose());
    let refused = Viewer::try_connect(gateway.address, &path, V1).await.err().unwrap();
    assert_eq!(refused.status(), 404);
}

#[tokio::test]
async fn a_message_above_the_limit_is_answered_by_its_code_whatever_follows() {
    let gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.resize(80, 24).await;
    for _ in 0..4 {
        viewer.type_in(&"x".repeat(64 * 1024 + 1)).await;
    }
    assert_eq!(viewer.closed().await.0, 1009);
    // Had the rest been left unread, this was a reset, which loses the frame to slower clients.
    let mut stream = viewer.socket.into_inner();
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    stream.write_all(b"still taken").await.unwrap();
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_answered_by_its_code() {
    let gateway = TestGateway::start(&[]).await;
    let mut viewer = Viewer::connect(&gateway, V1).await;
    viewer.resize(80, 24).await;
    let text = Frame::message(vec![0xff; 3], OpCode::Data(Data::Text), true);
    viewer.send(Message::Frame(text)).await;
    viewer.type_in("more").await;
    assert_eq!(viewer.closed().await.0, 1007);
}

#[tokio::test]
async fn a_viewer_that_does_not_say_its_size_first_is_refused() {
    let gateway = TestGateway::start(&[]).await;
    for first in [Message::binary(b"ls".to_vec()), Message::text(r#"{"type":"ack","bytes":1}"#)] {
        let mut viewer = Viewer::connect(&gateway, V1).await;
        viewer.send(first).await;
        assert_eq!(viewer.closed().await.0, 1002);
    }
}

#[tokio::test]
async fn a_client_that_sends_no_whole_request_in_time_is_cut_off() {
    let gateway = TestGateway::start(&[]).await;
    for head in ["", "GET /s/x HTTP/1.1\r\nHost: gateway.test\r\n"] {
        let mut stream = TcpStream::connect(gateway.address).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        // From here the clock jumps whenever nobody has anything to do.
        tokio::time::pause();
        let started = Instant::now();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let waited = started.elapsed();
        tokio::time::resume();
        assert!(waited <= Duration::from_secs(11), "{waited:?}");
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    }
}
