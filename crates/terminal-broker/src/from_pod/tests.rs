use std::pin::pin;

use futures::stream;
use prometheus_client::registry::Registry;
use tokio::time::Instant;
use tokio_util::codec::Encoder as _;

use super::*;
use crate::{credit::Credit, metrics::BrokerMetrics};

type Incoming = Result<Message, tungstenite::Error>;

/// One session's surroundings, with room for 16 outputs.
struct Around {
    gate: Gate,
    ping: Notify,
    counters: Counters,
    outputs: mpsc::Sender<Bytes>,
    shown: mpsc::Receiver<Bytes>,
}

impl Around {
    fn new() -> Self {
        let (outputs, shown) = mpsc::channel(16);
        let counters = Counters::new(&BrokerMetrics::register(&mut Registry::default()));
        Self { gate: Gate::new(Credit::new(4096)), ping: Notify::new(), counters, outputs, shown }
    }

    async fn read(&self, messages: impl stream::Stream<Item = Incoming>) -> End {
        let Self { gate, ping, counters, outputs, .. } = self;
        read(&mut pin!(messages), FromPodTo { gate, outputs, ping, counters }).await
    }

    fn shown(mut self) -> Vec<u8> {
        drop(self.outputs);
        let mut shown = Vec::new();
        while let Ok(bytes) = self.shown.try_recv() {
            shown.extend_from_slice(&bytes);
        }
        shown
    }
}

#[allow(clippy::unnecessary_wraps, reason = "as the socket yields it")]
fn message(channel: u8, data: &[u8]) -> Incoming {
    Ok(Message::Binary([&[channel], data].concat().into()))
}

fn frame(frame: Frame) -> Incoming {
    let mut data = BytesMut::new();
    FrameCodec.encode(frame, &mut data).unwrap();
    message(1, &data)
}

fn then_silence(messages: Vec<Incoming>) -> impl stream::Stream<Item = Incoming> {
    stream::iter(messages).chain(stream::pending())
}

#[tokio::test]
async fn ends() {
    let code = br#"{"status":"Failure","reason":"NonZeroExitCode",
        "details":{"causes":[{"reason":"ExitCode","message":"127"}]}}"#;
    let broken = || Err(tungstenite::Error::ConnectionClosed);
    let cases = [
        ("the program left", vec![frame(Frame::Exit { code: 2 })], End::Exited(2)),
        ("success without a frame", vec![message(3, br#"{"status":"Success"}"#)], End::Exited(0)),
        ("the screen failed", vec![message(3, code)], End::Lost(Lost::NotStarted)),
        ("nothing at all", vec![], End::Lost(Lost::Broken)),
        (
            "output and then nothing",
            vec![frame(Frame::Output("x".into()))],
            End::Lost(Lost::Broken),
        ),
        ("a close without a Status", vec![Ok(Message::Close(None))], End::Lost(Lost::Broken)),
        ("a broken socket", vec![broken()], End::Lost(Lost::Broken)),
        ("a text message", vec![Ok(Message::text("hi"))], End::Lost(Lost::Protocol)),
        ("an empty message", vec![Ok(Message::Binary(Bytes::new()))], End::Lost(Lost::Protocol)),
        ("a frame without end", vec![message(1, &[255; 16])], End::Lost(Lost::Protocol)),
        ("input from the pod", vec![frame(Frame::Input("x".into()))], End::Lost(Lost::Protocol)),
    ];
    for (name, messages, expected) in cases {
        assert_eq!(Around::new().read(stream::iter(messages)).await, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_pod_is_asked_after_15_s_and_given_up_after_25() {
    let (around, start) = (Around::new(), Instant::now());
    let asked = async {
        around.ping.notified().await;
        start.elapsed()
    };
    let (end, asked) = tokio::join!(around.read(then_silence(vec![])), asked);
    assert_eq!(end, End::Lost(Lost::Silent));
    assert_eq!((asked.as_secs(), start.elapsed().as_secs()), (15, 25));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_answers_pings_may_be_quiet_for_ever() {
    let (around, start) = (Around::new(), Instant::now());
    let pong = |()| async {
        around.ping.notified().await;
        (start.elapsed().as_secs() < 3600).then_some((Ok(Message::Pong(Bytes::new())), ()))
    };
    let end = around.read(stream::unfold((), pong)).await;
    assert_eq!(end, End::Lost(Lost::Broken));
    assert_eq!(start.elapsed().as_secs(), 3600);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_without_credit_keeps_the_broker_from_reading_and_from_pinging() {
    let around = Around::new();
    let full = frame(Frame::Output(vec![b'x'; 4096].into()));
    let reading = around.read(then_silence(vec![full, frame(Frame::Exit { code: 0 })]));
    let waited = timeout(Duration::from_hours(1), reading).await;
    assert!(waited.is_err(), "the exit was read without credit: {waited:?}");
    let pinged = timeout(Duration::ZERO, around.ping.notified()).await;
    assert!(pinged.is_err(), "a ping waits");
    assert_eq!(around.shown().len(), 4096);
}

#[tokio::test]
async fn a_viewer_that_left_ends_the_reading() {
    let mut around = Around::new();
    around.shown.close();
    let end = around.read(then_silence(vec![frame(Frame::Output("x".into()))])).await;
    assert_eq!(end, End::ViewerLeft);
}

#[test]
fn of_stderr_only_the_end_is_kept() {
    let around = Around::new();
    let Around { gate, ping, counters, outputs, .. } = &around;
    let to = FromPodTo { gate, outputs, ping, counters };
    let mut reader = Reader { to, frames: BytesMut::new(), stderr: Vec::new() };
    for byte in 0..10 {
        reader.keep_stderr(&[byte; 1000]);
    }
    assert_eq!(reader.stderr.len(), STDERR_TAIL_BYTES);
    assert_eq!(reader.stderr.last(), Some(&9));
}
