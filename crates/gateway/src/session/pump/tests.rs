use futures::stream;
use terminal_proto::v1::Open;
use tokio::time::Instant;

use super::*;
use crate::{metrics::GatewayMetrics, session::upstream::upstream};

/// A message each 15 s, for as long as a few minutes.
fn every_15_seconds(message: Message) -> impl Messages {
    Box::pin(stream::unfold((0, message), async |(sent, message)| {
        tokio::time::sleep(Duration::from_secs(15)).await;
        (sent < 20).then(|| (Ok(message.clone()), (sent + 1, message)))
    }))
}

fn typed() -> Message {
    Message::binary(vec![b'x'; 64 * 1024])
}

#[tokio::test(start_paused = true)]
async fn a_viewer_that_fell_silent_is_given_up_within_25_seconds() {
    let started = Instant::now();
    assert_eq!(receive(&mut stream::pending()).await, Err(Ending::Silent));
    assert_eq!(started.elapsed(), SILENCE_MAX);
}

/// What a viewer gets in nearly four minutes of a terminal that says nothing.
async fn shown_in_230_seconds(protocol: Protocol) -> Vec<Message> {
    let metrics = GatewayMetrics::default();
    let counted = metrics.session();
    let pump = Pump::new(protocol, &counted);
    let (upstream, _requests) = upstream(Open::default());
    let (sink, shown) = futures::channel::mpsc::unbounded();
    let mut sink = sink.sink_map_err(|_gone| Error::ConnectionClosed);
    let outputs = Outputs::new(stream::pending());
    let agent = AgentName { name: "demo", namespace: "qa" };
    let writing = pump.write(outputs, &mut sink, &upstream, agent);
    assert!(timeout(Duration::from_secs(230), writing).await.is_err(), "it went on");
    drop(sink);
    shown.collect().await
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
async fn answers_to_pings_are_a_sign_of_life() {
    let started = Instant::now();
    let mut pongs = every_15_seconds(Message::Pong(Bytes::new()));
    assert_eq!(receive(&mut pongs).await, Err(Ending::Left));
    assert!(started.elapsed() > Duration::from_mins(5));
}

#[tokio::test(start_paused = true)]
async fn input_that_no_program_reads_ends_the_session_after_a_while() {
    let metrics = GatewayMetrics::default();
    let counted = metrics.session();
    let pump = Pump::new(Protocol::V1, &counted);
    let (upstream, _unread) = upstream(Open::default());

    let started = Instant::now();
    let mut endless = stream::repeat_with(|| Ok(typed()));
    let ending = pump.read(&mut endless, &upstream).await;
    assert_eq!(ending, Ending::Violation(Violation::Flood));
    assert_eq!(started.elapsed(), INPUT_STALL_MAX);
    // It was not read without bound meanwhile.
    assert!(pump.typed() <= 512 * 1024, "{}", pump.typed());
}

#[tokio::test(start_paused = true)]
async fn a_large_paste_that_is_read_slowly_ends_nothing() {
    let metrics = GatewayMetrics::default();
    let counted = metrics.session();
    let pump = Pump::new(Protocol::V1, &counted);
    let (upstream, mut requests) = upstream(Open::default());

    let mut paste = stream::iter(vec![typed(); 40]).map(Ok);
    let program = async {
        loop {
            tokio::time::sleep(INPUT_STALL_MAX / 3).await;
            requests.next().await;
        }
    };
    tokio::select! {
        biased;
        ending = pump.read(&mut paste, &upstream) => assert_eq!(ending, Ending::Left),
        () = program => {}
    }
    assert_eq!(pump.typed(), 40 * 64 * 1024);
}

#[test]
fn a_connection_that_merely_ends_broke_no_rule() {
    let ended = Error::Protocol(ProtocolError::ResetWithoutClosingHandshake);
    assert_eq!(broken(&ended), Ending::Left);
    let unmasked = Error::Protocol(ProtocolError::UnmaskedFrameFromClient);
    assert_eq!(broken(&unmasked), Ending::Violation(Violation::Malformed));
}
