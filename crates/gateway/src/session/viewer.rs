//! The viewer's end of a session: what it sends is taken, what is due is sent to it. It opens
//! nothing in the messages but control, and does not judge the visit.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use api_types::Access;
use bytes::Bytes;
use futures::Stream;
use screen_wire::OUTPUT_WINDOW_BYTES;
use terminal_proto::v1::Opened;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::Message;
use tracing::Span;

use super::{
    ending::{Ending, Violation},
    input::Input,
    join::Joining,
    link::Link,
    liveness::{Due, Liveness, ReadInterest, SILENCE_MAX},
    message::{self, AgentName, ClientMessage, ServerMessage},
    outputs::Gathered,
    socket::Socket,
    upstream::{Attempts, Upstream},
};
use crate::{metrics::OpenTerminal, upgrade::Protocol};
use states::{Flush, Phase, Ping, Traffic};

mod sending;
mod states;

/// Output bytes that may be under way to a viewer, not yet drawn.
#[expect(clippy::cast_possible_truncation, reason = "some hundred KiB")]
pub(super) const WINDOW_BYTES: u32 = OUTPUT_WINDOW_BYTES as u32;

/// A session as its viewer sees it.
pub(super) struct Viewer<S> {
    socket: Socket<S>,
    protocol: Protocol,
    upstream: Upstream,
    phase: Phase,
    link: Link,
    input: Input,
    /// Output bytes sent to the viewer and not acknowledged.
    unacknowledged: u64,
    /// Whether all that was given to the socket was taken by it.
    flush: Flush,
    /// Input bytes that our own page is to be told of.
    credit_due: u64,
    ping: Ping,
    liveness: Liveness,
    counted: OpenTerminal,
    traffic: Traffic,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    pub(super) fn new(
        socket: Socket<S>,
        protocol: Protocol,
        upstream: Upstream,
        link: Link,
        counted: OpenTerminal,
    ) -> Self {
        Self {
            socket,
            protocol,
            upstream,
            phase: Phase::Opening,
            link,
            input: Input::new(protocol),
            unacknowledged: 0,
            flush: Flush::Done,
            credit_due: 0,
            ping: Ping::Sent,
            liveness: Liveness::new(),
            counted,
            traffic: Traffic::default(),
        }
    }

    /// Takes all that the viewer has sent and sends what is due, until that is done for now or the
    /// viewer's end is over.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<Ending> {
        while let Poll::Ready(due) = self.liveness.poll(context, self.input.read_interest()) {
            match due {
                Due::Ping => self.ping = Ping::Due,
                Due::Silent => return Poll::Ready(Ending::Silent),
            }
        }
        while self.input.read_interest() == ReadInterest::Reading {
            let Poll::Ready(message) = self.poll_message(context) else { break };
            if let Err(ending) = message.and_then(|message| self.take(message)) {
                return Poll::Ready(ending);
            }
        }
        match self.poll_due(context) {
            Poll::Ready(Err(ending)) => Poll::Ready(ending),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Pending,
        }
    }

    pub(super) fn poll_message(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Message, Ending>> {
        Poll::Ready(match ready!(Pin::new(&mut self.socket).poll_next(context)) {
            Some(Ok(message)) => Ok(message),
            Some(Err(error)) => Err(Ending::of_error(&error)),
            None => Err(Ending::Left),
        })
    }

    pub(super) fn take(&mut self, message: Message) -> Result<(), Ending> {
        self.liveness.heard();
        match message {
            Message::Binary(input) => self.take_input(input),
            Message::Text(text) => match ClientMessage::parse(&text) {
                Ok(message) => {
                    self.take_control(message);
                    Ok(())
                }
                Err(_) => Err(Ending::Violation(Violation::Malformed)),
            },
            Message::Close(_) => Err(Ending::Left),
            Message::Pong(_) => {
                if let Some(round_trip) = self.liveness.answered() {
                    self.counted.round_trip(round_trip);
                }
                Ok(())
            }
            Message::Ping(_) | Message::Frame(_) => Ok(()),
        }
    }

    /// Where the viewer says that it is, with its first size.
    pub(super) fn join(&mut self, join: Joining) -> Result<(), Ending> {
        match (join, self.protocol) {
            (Joining::Page(page), Protocol::V1) => self.upstream.join(page.into()),
            (Joining::Malformed(_), Protocol::V1) => {
                return Err(Ending::Violation(Violation::BadJoin));
            }
            // The older protocol has no such word.
            (_, Protocol::Legacy) => {}
        }
        Ok(())
    }

    /// The size that a terminal opens with is everybody's; whoever may only look does nothing else to
    /// it. The broker, which judges that for itself, need not be told of it.
    fn may_act(&self) -> bool {
        self.link.access() == Access::Interact
    }

    fn take_input(&mut self, input: Bytes) -> Result<(), Ending> {
        let bytes = input.len() as u64;
        if !self.may_act() {
            self.upstream.skip(bytes);
            self.credit_due += bytes;
            return Ok(());
        }
        self.input.take(input, &self.upstream).map_err(Ending::Violation)?;
        self.traffic.input += bytes;
        self.counted.input(bytes);
        Ok(())
    }

    fn take_control(&mut self, message: ClientMessage) {
        match (message, self.protocol) {
            (ClientMessage::Resize { cols, rows, join: _ }, _) => {
                if self.phase == Phase::Opening || self.may_act() {
                    self.upstream.resize(message::size(cols, rows));
                }
            }
            (ClientMessage::Ack { bytes }, Protocol::V1) => self.acknowledge(bytes),
            (ClientMessage::Interrupt, Protocol::V1) if self.may_act() => {
                let dropped = self.upstream.interrupt();
                self.credit(dropped);
            }
            // The older protocol has neither: its bytes count as drawn when the socket took them.
            (ClientMessage::Ack { .. } | ClientMessage::Interrupt | ClientMessage::Unknown, _) => {}
        }
    }

    /// Nobody can have drawn more than was sent.
    fn acknowledge(&mut self, bytes: u64) {
        let bytes = bytes.min(self.unacknowledged);
        self.unacknowledged -= bytes;
        if bytes > 0 {
            self.upstream.ack(bytes);
        }
    }

    fn credit(&mut self, bytes: u64) {
        self.credit_due += self.input.credit(bytes, &self.upstream);
    }

    /// The terminal is open, so long `after` it was asked for: input may leave, and the page is told.
    pub(super) fn opened(
        &mut self,
        opened: &Opened,
        agent: AgentName<'_>,
        after: Duration,
        request: &Span,
    ) -> Result<(), Ending> {
        self.counted.opened(after, request);
        self.phase = Phase::Opened;
        let resumed = self.upstream.opened(opened.resumed);
        let input_window = self.input.open(opened.input_window_bytes, &self.upstream);
        let hello = ServerMessage::Hello {
            agent,
            window: WINDOW_BYTES,
            input_window,
            silence_ms: u64::try_from(SILENCE_MAX.as_millis()).unwrap_or(u64::MAX),
            resume: resumed.map(Into::into),
            link: self.link.state(),
        };
        self.tell(&hello)
    }

    /// Gives the viewer what came. Only when [`Self::is_flushed`]: one message waits at most.
    pub(super) fn show(&mut self, gathered: Gathered) -> Result<(), Ending> {
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
        self.flush = Flush::Due;
        self.socket.get_mut().give(output).map_err(|error| Ending::of_error(&error.into()))
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

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }
}
