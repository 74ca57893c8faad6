use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use api_types::Access;
use bytes::Bytes;
use daemon::Metrics;
use futures::{SinkExt, StreamExt, stream};
use share::Grant;
use terminal_proto::v1::{Open, Opened, attach_request::Request, attach_response::Response};
use tokio::{
    io::{DuplexStream, ReadBuf, duplex},
    sync::watch,
    time::Instant,
};
use tokio_tungstenite::{WebSocketStream, tungstenite::protocol::Role};
use tracing::Span;

use super::*;
use crate::{
    metrics::GatewayMetrics,
    session::{
        link::Link,
        message::AgentName,
        socket::websocket,
        upstream::{Requests, Upstream},
    },
};

mod presence;
mod resuming;

type Browser = WebSocketStream<DuplexStream>;

fn untraced() -> FirstOutput {
    FirstOutput::of(tracing::Span::none())
}

/// A viewer, its browser, and what it asks of the broker.
async fn visit(protocol: Protocol) -> (Viewer<DuplexStream>, Browser, Requests) {
    let (near, far) = duplex(256 * 1024);
    let upstream = Upstream::new(Open::default());
    let requests = upstream.attempts().next();
    let viewer = viewer(near, protocol, upstream).await;
    (viewer, WebSocketStream::from_raw_socket(far, Role::Client, None).await, requests)
}

async fn viewer<S>(stream: S, protocol: Protocol, upstream: Upstream) -> Viewer<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    viewer_of(stream, protocol, upstream, granted(Access::Interact).1).await
}

fn granted(access: Access) -> (watch::Sender<Grant>, watch::Receiver<Grant>) {
    watch::channel(Grant { ends_at: None, access, limits: share::Limits::default() })
}

async fn viewer_of<S>(
    stream: S,
    protocol: Protocol,
    upstream: Upstream,
    grants: watch::Receiver<Grant>,
) -> Viewer<S>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let counted = GatewayMetrics::new(&Metrics::new("gateway"), &share::Links::new()).terminal();
    let socket = websocket(stream, Bytes::new()).await;
    Viewer::new(socket, protocol, upstream, Link::new(grants), counted)
}

fn open<S: AsyncRead + AsyncWrite + Unpin>(viewer: &mut Viewer<S>) {
    let agent = AgentName { name: "demo", namespace: "qa" };
    viewer.opened(&Opened::default(), agent, Duration::ZERO, &Span::none()).unwrap();
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
        ending = relay(&mut viewer, &mut outputs, untraced()) => panic!("{ending:?}"),
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
    let ending = relay(&mut viewer, &mut Outputs::new(stream::pending()), untraced()).await;
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
        ending = relay(&mut viewer, &mut outputs, untraced()) => panic!("{ending:?}"),
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

/// A stream that counts how often it is written to.
struct Counted {
    stream: DuplexStream,
    writes: Arc<AtomicUsize>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.fetch_add(1, Relaxed);
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// All parts at once, as a socket takes them; the pipe itself takes one at a time.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write(
            context,
            &parts.iter().flat_map(|part| part.iter().copied()).collect::<Vec<_>>(),
        )
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[tokio::test]
async fn a_credit_and_the_output_that_came_with_it_are_one_write() {
    let (stream, far) = duplex(256 * 1024);
    let writes = Arc::new(AtomicUsize::new(0));
    let counted = Counted { stream, writes: Arc::clone(&writes) };
    let mut viewer = viewer(counted, Protocol::V1, Upstream::new(Open::default())).await;
    open(&mut viewer);
    let mut browser = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
    browser.send(Message::binary(b"ls".to_vec())).await.unwrap();

    let said = |response| Ok(AttachResponse { response: Some(response) });
    let echo = [Response::InputCredit(2), Response::Output(Bytes::from_static(b"ls"))].map(said);
    let mut outputs = Outputs::new(stream::iter(echo).chain(stream::pending()));
    let mut shown = Vec::new();
    let browsing = async {
        while shown.len() < 3 {
            shown.push(browser.next().await.unwrap().unwrap());
        }
    };
    tokio::select! {
        biased;
        ending = relay(&mut viewer, &mut outputs, untraced()) => panic!("{ending:?}"),
        () = browsing => {}
    }
    assert_eq!(
        shown[1..],
        [
            Message::text(r#"{"type":"credit","bytes":2}"#),
            Message::binary(Bytes::from_static(b"ls"))
        ]
    );
    assert_eq!(writes.load(Relaxed), 2, "one for the hello, one for both");
}

#[tokio::test(start_paused = true)]
async fn a_page_that_may_only_look_is_told_so_and_its_acts_go_no_further() {
    let (near, mut far) = duplex(256 * 1024);
    let upstream = Upstream::new(Open::default());
    let mut requests = upstream.attempts().next();
    let (granted, grants) = granted(Access::View);
    let mut viewer = viewer_of(near, Protocol::V1, upstream, grants).await;
    let mut browser = WebSocketStream::from_raw_socket(&mut far, Role::Client, None).await;
    open(&mut viewer);
    let mut outputs = Outputs::new(stream::pending());
    let story = async {
        let text = |text: &str| Message::text(text.to_owned());
        for message in [
            Message::binary("rm -rf"),
            text(r#"{"type":"resize","cols":1,"rows":1}"#),
            text(r#"{"type":"interrupt"}"#),
        ] {
            browser.send(message).await.unwrap();
        }
        let mut told = Vec::new();
        while told.len() < 2 {
            if let Message::Text(text) = browser.next().await.unwrap().unwrap() {
                told.push(text.to_string());
            }
        }
        assert!(told[0].contains(r#""access":"view""#), "{told:?}");
        assert_eq!(told[1], r#"{"type":"credit","bytes":6}"#);

        granted.send_modify(|grant| grant.access = Access::Interact);
        // The session's own task hands on what the visit grants; here something else has to wake it.
        browser.send(text(r#"{"type":"dance"}"#)).await.unwrap();
        let Message::Text(text) = browser.next().await.unwrap().unwrap() else { panic!() };
        assert_eq!(text.as_str(), r#"{"type":"link","access":"interact"}"#);
        browser.send(Message::binary("ls")).await.unwrap();
        let asked = async {
            let _open = requests.next().await;
            requests.next().await.unwrap().request
        };
        assert_eq!(asked.await, Some(Request::Input("ls".into())), "and nothing before");
    };
    tokio::select! {
        biased;
        ending = relay(&mut viewer, &mut outputs, untraced()) => panic!("{ending:?}"),
        () = story => {}
    }
}
