use bytes::Bytes;
use daemon::Metrics;
use futures::{SinkExt, StreamExt, stream};
use terminal_proto::v1::{Open, Opened};
use tokio::{
    io::{DuplexStream, duplex},
    time::Instant,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};

use super::*;
use crate::{
    metrics::GatewayMetrics,
    session::{
        message::AgentName,
        socket::websocket,
        upstream::{Requests, Upstream},
    },
};

type Browser = WebSocketStream<DuplexStream>;

/// A viewer, its browser, and what it asks of the broker.
async fn visit(protocol: Protocol) -> (Viewer<DuplexStream>, Browser, Requests) {
    let (near, far) = duplex(256 * 1024);
    let upstream = Upstream::new(Open::default());
    let requests = upstream.attempts().next();
    let counted = GatewayMetrics::new(&Metrics::new("gateway")).terminal();
    let viewer = Viewer::new(websocket(near, Bytes::new()).await, protocol, upstream, counted);
    (viewer, WebSocketStream::from_raw_socket(far, Role::Client, None).await, requests)
}

fn open(viewer: &mut Viewer<DuplexStream>) {
    let agent = AgentName { name: "demo", namespace: "qa" };
    viewer.opened(&Opened::default(), agent).unwrap();
}

/// What a browser gets in nearly four minutes of a terminal that says nothing.
async fn shown_in_230_seconds(protocol: Protocol) -> Vec<Message> {
    let (mut viewer, mut browser, _requests) = visit(protocol).await;
    open(&mut viewer);
    let mut outputs = Outputs::new(stream::pending());
    let mut shown = Vec::new();
    // Its answers to pings are all that it sends.
    let browsing = async {
        while let Some(Ok(message)) = browser.next().await {
            shown.push(message);
            browser.flush().await.unwrap();
        }
    };
    tokio::select! {
        biased;
        ending = relay(&mut viewer, &mut outputs) => panic!("{ending:?}"),
        () = browsing => panic!("it was closed"),
        () = tokio::time::sleep(Duration::from_secs(230)) => {}
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn a_quiet_terminal_gives_a_page_signs_of_life_and_an_older_one_pings_only() {
    let mut shown = shown_in_230_seconds(Protocol::V1).await;
    assert!(shown.remove(0).to_text().unwrap().contains(r#""silence_ms":25000"#));
    let signs = [Message::Ping(Bytes::new()), Message::text(r#"{"type":"heartbeat"}"#)];
    assert_eq!(shown, vec![signs; 15].concat());

    let pings = vec![Message::Ping(Bytes::new()); 15];
    assert_eq!(shown_in_230_seconds(Protocol::Legacy).await, pings);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_fell_silent_is_given_up_within_25_seconds() {
    let (mut viewer, _browser, _requests) = visit(Protocol::V1).await;
    open(&mut viewer);
    let started = Instant::now();
    let ending = relay(&mut viewer, &mut Outputs::new(stream::pending())).await;
    assert_eq!((ending, started.elapsed()), (Ending::Silent, Duration::from_secs(25)));
}

#[tokio::test(start_paused = true)]
async fn our_own_page_has_9_seconds_for_its_size() {
    let (mut viewer, _browser, _requests) = visit(Protocol::V1).await;
    let started = Instant::now();
    let no_size = Err(Ending::Violation(Violation::NoSize));
    assert_eq!((receive_size(&mut viewer).await, started.elapsed()), (no_size, SIZE_DEADLINE));
}

#[tokio::test]
async fn pings_of_a_viewer_that_reads_no_answer_take_no_memory() {
    let (mut viewer, mut browser, _requests) = visit(Protocol::V1).await;
    open(&mut viewer);
    let mut outputs = Outputs::new(stream::pending());
    let flood = async {
        for _ in 0..20_000 {
            browser.send(Message::Ping(Bytes::from_static(&[7; 125]))).await.unwrap();
        }
    };
    tokio::select! {
        biased;
        ending = relay(&mut viewer, &mut outputs) => panic!("{ending:?}"),
        () = flood => {}
    }
    // The answers that had no room were replaced by later ones.
    drop(viewer);
    let mut answers = 0;
    while let Some(Ok(message)) = browser.next().await {
        answers += u32::from(message.is_pong());
    }
    assert!((1000..10_000).contains(&answers), "{answers}");
}
