//! What the gateway refuses, and that it does so before it costs anything.

use std::time::Duration;

use futures::StreamExt;
use share::watch::Links;
use time::macros::datetime;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::Instant,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{V1, Viewer, eventually, get, request},
    world::{World, link, until, wrong_token},
};

fn wrong() -> String {
    format!("/s/{}/info", wrong_token().expose())
}

#[tokio::test]
async fn too_many_requests_are_answered_by_when_to_come_back() {
    let world = World::start(&["--request-burst=3", "--requests-per-minute=6"]).await;
    for _ in 0..3 {
        assert_eq!(get(&world, &link("/info")).await.status, 200);
    }
    let refused = get(&world, &link("/info")).await;
    assert_eq!(refused.status, 429);
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=10).contains(&seconds), "{seconds}");
    assert!(world.metrics().contains("rate_limited_total{limit=\"requests\"} 1"));
}

#[tokio::test]
async fn whoever_tries_tokens_is_locked_out_even_with_a_right_one() {
    let world = World::start(&["--wrong-tokens-per-minute=2", "--lockout=90s"]).await;
    for _ in 0..2 {
        assert_eq!(get(&world, &wrong()).await.status, 404);
    }
    for path in [wrong(), wrong(), link("/info"), link("")] {
        let refused = get(&world, &path).await;
        assert_eq!(refused.status, 429);
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!((80..=90).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn an_expired_token_counts_as_a_wrong_one() {
    let over = until(datetime!(2020-01-01 00:00 UTC));
    let world = World::with(&["--wrong-tokens-per-minute=2"], Links::with([over])).await;
    let seen = [
        get(&world, &link("/info")).await.status.as_u16(),
        get(&world, &link("/info")).await.status.as_u16(),
        get(&world, &link("/info")).await.status.as_u16(),
    ];
    assert_eq!(seen, [404, 404, 429]);
}

#[tokio::test]
async fn a_lockout_hits_one_client_of_a_proxy_and_not_all() {
    let world = World::start(&["--wrong-tokens-per-minute=1", "--trusted-proxies=127.0.0.1"]).await;
    let from = |client| [("x-forwarded-for", client)];
    for _ in 0..2 {
        request(&world, "GET", &wrong(), &from("203.0.113.9")).await;
    }
    let info = link("/info");
    assert_eq!(request(&world, "GET", &info, &from("203.0.113.9")).await.status, 429);
    assert_eq!(request(&world, "GET", &info, &from("203.0.113.10")).await.status, 200);
}

#[tokio::test]
async fn terminals_are_limited_before_the_upgrade_and_a_closed_one_makes_room() {
    let world = World::start(&["--max-terminals-per-link=1"]).await;
    let mut first = Viewer::connect(&world, V1).await;

    let path = link("/terminal");
    let refused = Viewer::try_connect(world.address, &path, V1).await.err().unwrap();
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));

    first.socket.close(None).await.unwrap();
    while first.socket.next().await.is_some() {}
    let closed = || world.metrics().contains("sessions_open 0");
    eventually("the terminal's place is free", closed).await;
    assert!(Viewer::try_connect(world.address, &path, V1).await.is_ok());
}

#[tokio::test]
async fn a_plain_request_for_the_terminal_is_told_to_upgrade() {
    let world = World::start(&[]).await;
    let answer = get(&world, &link("/terminal")).await;
    assert_eq!((answer.status.as_u16(), answer.header("upgrade")), (426, "websocket"));
    assert_eq!(answer.header("sec-websocket-version"), "13");
}

#[tokio::test]
async fn another_sites_page_opens_no_terminal() {
    let world = World::start(&["--allowed-origins=https://portal.example.com"]).await;
    let own = format!("http://{}", world.address);
    let cases = [
        ("https://evil.example", false),
        ("null", false),
        (own.as_str(), true),
        ("https://portal.example.com", true),
    ];
    for (origin, expected) in cases {
        let headers = [("origin", origin)];
        let answer = Viewer::try_connect(world.address, &link("/terminal"), &headers).await;
        match answer {
            Ok(_) => assert!(expected, "{origin}"),
            Err(refused) => assert_eq!((refused.status().as_u16(), expected), (403, false)),
        }
    }
}

#[tokio::test]
async fn a_wrong_token_opens_no_terminal() {
    let world = World::start(&[]).await;
    let path = format!("/s/{}/terminal", wrong_token().expose());
    let refused = Viewer::try_connect(world.address, &path, V1).await.err().unwrap();
    assert_eq!(refused.status(), 404);
}

#[tokio::test]
async fn a_message_above_the_limit_ends_the_session() {
    let world = World::start(&[]).await;
    let mut viewer = Viewer::connect(&world, V1).await;
    viewer.resize(80, 24).await;
    let most = "x".repeat(64 * 1024);
    viewer.type_in(&most).await;
    viewer.type_in(&format!("{most}x")).await;
    assert_eq!(viewer.closed().await.0, 1009);
}

#[tokio::test]
async fn a_viewer_that_does_not_say_its_size_first_is_refused() {
    let world = World::start(&[]).await;
    for first in [Message::binary(b"ls".to_vec()), Message::text(r#"{"type":"ack","bytes":1}"#)] {
        let mut viewer = Viewer::connect(&world, V1).await;
        futures::SinkExt::send(&mut viewer.socket, first).await.unwrap();
        assert_eq!(viewer.closed().await.0, 1002);
    }
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_request_is_cut_off() {
    let world = World::start(&[]).await;
    for head in ["", "GET /s/x HTTP/1.1\r\nHost: gateway.test\r\n"] {
        let mut stream = TcpStream::connect(world.address).await.unwrap();
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
