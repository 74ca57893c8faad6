//! Moves one session's bytes between its viewer and the broker, in one task that polls both ends
//! itself: nothing wakes or waits for another part of it. It opens nothing in the messages but
//! control, and does not judge the visit.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use futures::Stream;
use terminal_proto::v1::{AttachResponse, Opened, Size};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Error, Message};
use tonic::Status;

use super::{
    ending::{Ending, Violation},
    input::InputWindow,
    liveness::{Due, Liveness, ReadInterest, SILENCE_MAX},
    message::{self, AgentName, ClientMessage, ServerMessage},
    outputs::{Gathered, Outputs, Received},
    socket::Socket,
    upstream::{Attempts, Upstream},
};
use crate::{metrics::OpenTerminal, upgrade::Protocol};

mod viewer;

/// Output bytes that may be under way to a viewer, not yet drawn.
pub(super) const OUTPUT_WINDOW_BYTES: u32 = 256 * 1024;
/// What a viewer of the older protocol has until it says otherwise.
pub(super) const LEGACY_SIZE: Size = Size { columns: 80, rows: 24 };
/// How long our own page may take for its first message: its size.
const SIZE_DEADLINE: Duration = Duration::from_secs(9);
/// How long an older page may, which may know no such message.
const LEGACY_SIZE_DEADLINE: Duration = Duration::from_millis(250);

/// Both ends of a session.
pub(super) struct Conversation<S> {
    socket: Socket<S>,
    protocol: Protocol,
    upstream: Upstream,
    phase: Phase,
    window: InputWindow,
    /// What of an older page's message did not fit into the window, at most one message. No more
    /// is read meanwhile.
    held: Bytes,
    /// Output bytes sent to the viewer and not acknowledged.
    unacknowledged: u64,
    /// Whether all that was given to the socket was taken by it.
    flush: Flush,
    /// Input bytes that the page may be told to send anew.
    credit_due: u64,
    ping: Ping,
    liveness: Liveness,
    counted: OpenTerminal,
    traffic: Traffic,
}

/// Bytes that passed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Traffic {
    pub(super) input: u64,
    pub(super) output: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Opened,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Done,
    Due,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ping {
    Sent,
    Due,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    pub(super) fn new(
        socket: Socket<S>,
        protocol: Protocol,
        upstream: Upstream,
        counted: OpenTerminal,
    ) -> Self {
        Self {
            socket,
            protocol,
            upstream,
            phase: Phase::Opening,
            window: InputWindow::new(),
            held: Bytes::new(),
            unacknowledged: 0,
            flush: Flush::Done,
            credit_due: 0,
            ping: Ping::Sent,
            liveness: Liveness::new(),
            counted,
            traffic: Traffic::default(),
        }
    }

    /// Takes the viewer's size. Our page sends it first; an older one may type at once, or say
    /// nothing.
    pub(super) async fn receive_size(&mut self) -> Result<(), Ending> {
        let deadline = match self.protocol {
            Protocol::V1 => SIZE_DEADLINE,
            Protocol::Legacy => LEGACY_SIZE_DEADLINE,
        };
        match (timeout(deadline, self.first_message()).await, self.protocol) {
            (Ok(first), _) => first,
            (Err(_late), Protocol::V1) => Err(Ending::Violation(Violation::NoSize)),
            (Err(_late), Protocol::Legacy) => Ok(()),
        }
    }

    async fn first_message(&mut self) -> Result<(), Ending> {
        loop {
            let message = poll_fn(|context| self.poll_message(context)).await?;
            let is_size = match &message {
                Message::Ping(_) | Message::Pong(_) => continue,
                Message::Text(text) => {
                    matches!(ClientMessage::parse(text), Ok(ClientMessage::Resize { .. }))
                }
                _ => false,
            };
            let closes = matches!(message, Message::Close(_));
            if self.protocol == Protocol::V1 && !is_size && !closes {
                return Err(Ending::Violation(Violation::SizeNotFirst));
            }
            return self.take(message);
        }
    }

    /// Waits for `opening` while the viewer may type.
    pub(super) async fn while_opening<T>(
        &mut self,
        opening: impl Future<Output = Result<T, Ending>>,
    ) -> Result<T, Ending> {
        let mut opening = pin!(opening);
        poll_fn(|context| match self.poll_viewer(context) {
            Poll::Ready(ending) => Poll::Ready(Err(ending)),
            Poll::Pending => opening.as_mut().poll(context),
        })
        .await
    }

    /// The terminal is open: input may leave, and the page is told.
    pub(super) fn opened(&mut self, opened: &Opened, agent: AgentName<'_>) -> Result<(), Ending> {
        self.phase = Phase::Opened;
        self.window.set(opened.input_window_bytes);
        self.upstream.opened();
        let hello = ServerMessage::Hello {
            agent,
            window: OUTPUT_WINDOW_BYTES,
            input_window: self.window.size(),
            silence_ms: u64::try_from(SILENCE_MAX.as_millis()).unwrap_or(u64::MAX),
        };
        self.tell(&hello)?;
        self.release_held();
        Ok(())
    }

    /// Passes bytes both ways until either end is over.
    pub(super) async fn relay<R>(&mut self, outputs: &mut Outputs<R>) -> Ending
    where
        R: Stream<Item = Result<AttachResponse, Status>> + Unpin,
    {
        let ending = poll_fn(|context| self.poll_relay(outputs, context)).await;
        if let Ending::Ended { exit_code, message } = &ending {
            // The close frame follows and says the rest.
            let _ = self.tell(&ServerMessage::Exit { code: *exit_code, message });
        }
        ending
    }

    fn poll_relay<R>(&mut self, outputs: &mut Outputs<R>, context: &mut Context<'_>) -> Poll<Ending>
    where
        R: Stream<Item = Result<AttachResponse, Status>> + Unpin,
    {
        loop {
            // Input and control first: they never wait behind output.
            if let Poll::Ready(ending) = self.poll_viewer(context) {
                return Poll::Ready(ending);
            }
            if self.flush == Flush::Due {
                // No further output is taken from the broker before this is with the socket.
                return Poll::Pending;
            }
            match ready!(outputs.poll_next(context)) {
                Received::Terminal(gathered) => {
                    if let Err(ending) = self.show(gathered) {
                        return Poll::Ready(ending);
                    }
                }
                Received::Closed(closed) => return Poll::Ready(Ending::of_closed(closed)),
                Received::Lost => return Poll::Ready(Ending::Lost),
            }
        }
    }

    fn show(&mut self, gathered: Gathered) -> Result<(), Ending> {
        let Gathered { output, input_credit } = gathered;
        self.credit(input_credit);
        if output.is_empty() {
            return Ok(());
        }
        let length = output.len() as u64;
        self.unacknowledged += length;
        self.traffic.output += length;
        self.counted.output(length);
        // What is due goes out in the same write.
        self.send_due()?;
        self.send(Message::Binary(output))
    }

    pub(super) fn attempts(&self) -> Attempts {
        self.upstream.attempts()
    }

    pub(super) fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// The session is over: what is left of it are the socket, and the end of the input.
    pub(super) fn into_parts(self) -> (Socket<S>, Upstream, OpenTerminal) {
        (self.socket, self.upstream, self.counted)
    }
}
