//! Connections: which are closed, which are kept, and that strangers keep nobody out.

use std::time::Duration;

use bytes::Bytes;
use daemon::Daemon;
use futures::FutureExt;
use gateway::run::report_readiness;
use share::Links;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_tungstenite::tungstenite::Message;

use crate::{
    client::{eventually, get, open},
    test_gateway::{CONNECTIONS_MAX, PATIENCE, TestGateway, link, wrong_token},
};

#[tokio::test]
async fn a_connection_is_closed_after_too_many_requests() {
    let gateway = TestGateway::start(&["--wrong-tokens-per-minute=1"]).await;
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let request = format!("GET /s/{} HTTP/1.1\r\nHost: x\r\n\r\n", wrong_token().expose());
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    let mut answers = Vec::new();
    // The third request is not answered, so the connection may end by a reset.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answers)).await.expect("it stays open");
    let answers = String::from_utf8_lossy(&answers);
    assert_eq!(answers.matches("HTTP/1.1 404").count(), 1, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 429").count(), 1, "{answers}");
}

#[tokio::test]
async fn strangers_that_hold_connections_keep_nobody_out_and_cut_no_terminal() {
    let mut gateway = TestGateway::start(&[]).await;
    let (mut viewer, attached) = open(&mut gateway).await;
    let mut strangers = Vec::new();
    for _ in 0..2 * CONNECTIONS_MAX {
        strangers.push(TcpStream::connect(gateway.address).await.unwrap());
    }
    let evicted = format!("connections_evicted_total{{listener=\"share\"}} {CONNECTIONS_MAX}");
    eventually("half of them are gone", || gateway.metrics().contains(&evicted)).await;
    assert_eq!(get(&gateway, &link("/info")).await.status, 200);
    attached.output("still here").await;
    assert_eq!(viewer.next().await, Message::binary(Bytes::from_static(b"still here")));
    open(&mut gateway).await;
}

#[tokio::test]
async fn the_process_is_ready_once_its_links_are_those_of_the_cluster() {
    let ready = |links: Links| async move {
        let daemon = Daemon::new("gateway");
        let reporting = report_readiness(daemon.clone(), links, Duration::from_mins(10));
        assert!(reporting.now_or_never().is_none());
        daemon.readiness.missing().to_string()
    };
    assert_eq!(ready(Links::new()).await, "watch: the Agents have not been listed yet\n");
    assert_eq!(ready(Links::with([])).await, "");
}
