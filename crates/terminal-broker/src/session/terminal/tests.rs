//! Whole sessions on a paused clock, between a fake pod and channels for the viewer.

use std::time::Duration;

use api_types::AgentId;
use bytes::Bytes;
use fixtures::{demo, token};
use screen_wire::{Compressed, Frame, INPUT_WINDOW_BYTES};
use share::{ClientAddress, Links};
use terminal_proto::v1::{
    CloseReason, Closed, CompressedOutput, HangUp, Interrupt, Opened, attach_request::Request,
    attach_response::Response,
};
use tokio::{io::DuplexStream, sync::mpsc, task::JoinHandle, time::timeout};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::task::TaskTracker;
use tonic::Code;

use super::*;
use crate::{
    exec::{
        Exec,
        fake::{self, FakePod},
    },
    fixture::sessions,
    session::registry::Sessions,
    viewer::{self, Responses},
};

const WINDOW_BYTES: usize = 4096;

/// One running session and everything around it.
struct Around {
    links: Links,
    sessions: Sessions,
    shutdown: CancellationToken,
    pod: FakePod,
    viewer: Viewer,
    running: JoinHandle<()>,
    start: Instant,
}

struct Viewer {
    requests: mpsc::UnboundedSender<Result<AttachRequest, Status>>,
    responses: Responses,
}

impl Around {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(prepare: impl FnOnce(&mut Exec<DuplexStream>)) -> Self {
        Self::start_through(Links::with([demo()]), 1, prepare).await
    }

    /// Through the link of `token(number)`.
    async fn start_through(
        links: Links,
        number: u8,
        prepare: impl FnOnce(&mut Exec<DuplexStream>),
    ) -> Self {
        let (mut exec, pod) = fake::exec().await;
        prepare(&mut exec);
        Self::start_on((exec, pod), None, links, number).await
    }

    async fn start_on(
        (exec, pod): (Exec<DuplexStream>, FakePod),
        typist: Option<Typist>,
        links: Links,
        number: u8,
    ) -> Self {
        let (sessions, _) = sessions();
        let visit = admit(&links, number);
        let slot = sessions.claim(&visit).unwrap();
        let (requests, stream) = mpsc::unbounded_channel();
        let (responses, stream_of_responses) = viewer::channel(Opened::default());
        let shutdown = CancellationToken::new();
        let session = Session {
            slot,
            visit,
            requests: UnboundedReceiverStream::new(stream),
            responses,
            connection: Connection::Own(Box::new(exec)),
            output: OutputWindow::new(u32::try_from(WINDOW_BYTES).unwrap()),
            typist,
            first: FirstOutput::of(tracing::Span::none()),
            shutdown: shutdown.clone(),
        };
        let running = TaskTracker::new().spawn(session.run());
        let mut viewer = Viewer { requests, responses: stream_of_responses };
        assert!(matches!(viewer.next().await, Response::Opened(_)));
        Self { links, sessions, shutdown, pod, viewer, running, start: Instant::now() }
    }

    fn seconds(&self) -> u64 {
        self.start.elapsed().as_secs()
    }

    fn turn_off(&self) {
        self.links.remove(&AgentId::of(&demo()));
    }

    /// Whether the session still takes a place.
    fn is_listed(&self) -> bool {
        !self.sessions.list().is_empty()
    }

    async fn ends(self) {
        timeout(Duration::from_hours(1), self.running).await.expect("it ends").unwrap();
        assert!(self.sessions.list().is_empty());
    }
}

fn admit(links: &Links, number: u8) -> Visit {
    let client = ClientAddress::known([203, 0, 113, 9].into());
    let grace = Duration::from_mins(1);
    Visit::admit(links, &token(number), client, grace, clock::now).unwrap().0
}

impl Viewer {
    fn send(&self, request: Request) {
        self.requests.send(Ok(AttachRequest { request: Some(request) })).unwrap();
    }

    fn types(&self, input: impl Into<Bytes>) {
        self.send(Request::Input(input.into()));
    }

    async fn next(&mut self) -> Response {
        self.responses.next().await.unwrap().unwrap().response.unwrap()
    }

    async fn output(&mut self) -> Bytes {
        let Response::Output(bytes) = self.next().await else { panic!("no output") };
        bytes
    }

    async fn closed(&mut self) -> Closed {
        let Response::Closed(closed) = self.next().await else { panic!("more is said") };
        assert!(self.responses.next().await.is_none());
        closed
    }
}

mod ends;
mod links;
mod positions;
mod resuming;

#[tokio::test(start_paused = true)]
async fn the_screen_is_pinged_from_the_start_and_every_10_s() {
    let mut around = Around::start().await;
    for seconds in [0, 10, 20, 30] {
        assert_eq!(around.pod.frame().await, Some(Frame::Ping));
        assert_eq!(around.seconds(), seconds);
        around.pod.say(Frame::Alive).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_never_says_anything_is_given_up_after_25_s() {
    let mut around = Around::start().await;
    let closed = around.viewer.closed().await;
    assert_eq!((closed.reason(), around.seconds()), (CloseReason::Lost, 25));
    assert_eq!(closed.message, Lost::Silent.to_string());
}

#[tokio::test(start_paused = true)]
async fn every_frame_of_the_screen_counts_as_a_sign_of_life() {
    let mut around = Around::start().await;
    around.viewer.types("abc");
    for (seconds, frame) in
        [(24, Frame::Alive), (48, Frame::InputCredit { bytes: 3 }), (72, Frame::Output("x".into()))]
    {
        tokio::time::sleep_until(around.start + Duration::from_secs(seconds)).await;
        around.pod.say(frame).await;
    }
    assert_eq!(around.viewer.next().await, Response::InputCredit(3));
    assert_eq!(around.viewer.output().await, "x");
    let closed = around.viewer.closed().await;
    assert_eq!(closed.message, Lost::Silent.to_string());
    assert!((97..=102).contains(&around.seconds()), "{} s", around.seconds());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_takes_no_screen_for_dead() {
    let mut around = Around::start().await;
    tokio::time::advance(Duration::from_hours(1)).await;
    around.pod.say(Frame::Output("still here".into())).await;
    assert_eq!(around.viewer.output().await, "still here");
}

#[tokio::test(start_paused = true)]
async fn the_exec_is_read_although_the_viewer_takes_nothing() {
    let mut around = Around::start().await;
    around.pod.say(Frame::Output(vec![b'x'; WINDOW_BYTES].into())).await;
    around.pod.say(Frame::InputCredit { bytes: 0 }).await;
    around.pod.say(Frame::Exit { code: 7 }).await;
    around.pod.success().await;
    around.running.await.unwrap();
    assert_eq!(around.viewer.output().await.len(), WINDOW_BYTES);
    assert_eq!(around.viewer.closed().await.exit_code, Some(7));
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_sends_more_than_its_window_is_no_screen() {
    let mut around = Around::start().await;
    around.pod.say(Frame::Output(vec![b'x'; WINDOW_BYTES].into())).await;
    around.pod.say(Frame::Output("!".into())).await;
    assert_eq!(around.viewer.output().await.len(), WINDOW_BYTES);
    let closed = around.viewer.closed().await;
    assert_eq!(closed.message, Lost::Protocol.to_string());
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
}

#[tokio::test(start_paused = true)]
async fn what_the_viewer_has_drawn_the_screen_may_send_anew() {
    let mut around = Around::start().await;
    around.pod.say(Frame::Output(vec![b'x'; WINDOW_BYTES].into())).await;
    around.viewer.output().await;
    around.viewer.send(Request::Ack(1000));
    around.viewer.send(Request::Ack(96));
    assert_eq!(around.pod.word().await, Some(Frame::OutputCredit { bytes: 1096 }));
    around.pod.say(Frame::Output(vec![b'y'; 1096].into())).await;
    assert_eq!(around.viewer.output().await.len(), 1096);
}

#[tokio::test(start_paused = true)]
async fn a_viewer_cannot_acknowledge_what_it_was_not_given() {
    let mut around = Around::start().await;
    around.pod.say(Frame::Output(vec![b'x'; WINDOW_BYTES].into())).await;
    around.viewer.send(Request::Ack(u64::MAX));
    around.viewer.types("after");
    assert_eq!(around.pod.word().await, Some(Frame::Input("after".into())), "and no credit");
}

#[tokio::test(start_paused = true)]
async fn input_beyond_the_window_ends_the_call_and_credited_input_may_come_anew() {
    let mut around = Around::start().await;
    around.viewer.types(vec![b'a'; INPUT_WINDOW_BYTES]);
    assert!(matches!(around.pod.word().await, Some(Frame::Input(_))));
    around.pod.say(Frame::InputCredit { bytes: 5 }).await;
    assert_eq!(around.viewer.next().await, Response::InputCredit(5));
    around.viewer.types("12345");
    assert_eq!(around.pod.word().await, Some(Frame::Input("12345".into())));

    around.viewer.types("6");
    let error = around.viewer.responses.next().await.unwrap().unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert_eq!(around.pod.word().await, Some(Frame::HangUp));
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_credits_what_was_never_typed_is_no_screen() {
    let mut around = Around::start().await;
    around.pod.say(Frame::InputCredit { bytes: 1 }).await;
    assert_eq!(around.viewer.closed().await.message, Lost::Protocol.to_string());
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_overtakes_what_was_typed_and_credits_what_it_drops() {
    let mut around = Around::start().await;
    // All of it is there at once, so nothing has left when the interrupt comes.
    around.viewer.types("rm -rf");
    around.viewer.send(Request::Interrupt(Interrupt {}));
    around.viewer.types("ls");
    assert_eq!(around.pod.word().await, Some(Frame::Interrupt));
    assert_eq!(around.pod.word().await, Some(Frame::Input("ls".into())));
    assert_eq!(around.viewer.next().await, Response::InputCredit(6));
}

fn compressed(bytes: u32) -> Compressed {
    Compressed::new(bytes, Bytes::from_static(b"a block")).unwrap()
}

#[tokio::test(start_paused = true)]
async fn compressed_output_passes_as_it_is_and_counts_by_what_it_will_be() {
    let mut around = Around::start_with(Exec::accept_compressed).await;
    assert_eq!(around.pod.frame().await, Some(Frame::Compress), "before all else");
    let bytes = u32::try_from(WINDOW_BYTES).unwrap();
    around.pod.say(Frame::Compressed(compressed(bytes))).await;
    let expected = CompressedOutput { bytes, lz4: Bytes::from_static(b"a block") };
    assert_eq!(around.viewer.next().await, Response::CompressedOutput(expected));

    around.viewer.send(Request::Ack(1500));
    assert_eq!(around.pod.word().await, Some(Frame::OutputCredit { bytes: 1500 }));
    around.pod.say(Frame::Compressed(compressed(1501))).await;
    assert_eq!(around.viewer.closed().await.message, Lost::Protocol.to_string(), "a byte too many");
}

#[tokio::test(start_paused = true)]
async fn a_screen_that_compresses_unasked_is_no_screen() {
    let mut around = Around::start().await;
    around.pod.say(Frame::Compressed(compressed(1000))).await;
    assert_eq!(around.viewer.closed().await.message, Lost::Protocol.to_string());
}
