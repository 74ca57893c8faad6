//! Moves a session's bytes: a reader and a writer in one task, so that neither
//! waits for the other. It opens nothing in the messages but control.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use futures::{Sink, SinkExt, Stream, StreamExt};
use terminal_proto::v1::{AttachResponse, attach_response::Response};
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    error::{CapacityError, ProtocolError},
};
use tonic::{Status, Streaming};

use super::{
    WINDOW_BYTES,
    ending::{Ending, Violation},
    message::{self, AgentName, ClientMessage, ServerMessage},
    output::Outputs,
    upstream::{Requests, Upstream},
};
use crate::{broker::Broker, metrics::OpenSession, upgrade::Protocol};

const PING_INTERVAL: Duration = Duration::from_secs(15);
/// A viewer that sends nothing for this long, not even answers to pings, is gone; so is a gateway.
const SILENCE_MAX: Duration = Duration::from_secs(25);
/// How long the broker may take from the request to an open terminal.
const ATTACH_DEADLINE: Duration = Duration::from_secs(15);
/// How long a program may leave typed input unread while more is typed. Reading
/// stops meanwhile, acknowledgements included, so this must end.
const INPUT_STALL_MAX: Duration = Duration::from_secs(10);

/// A terminal that the broker has opened.
pub(super) struct Opened {
    pub(super) session_id: String,
    pub(super) outputs: Outputs<Streaming<AttachResponse>>,
}

/// Asks the broker for the terminal, and waits until it is open.
pub(super) async fn attach(broker: &Broker, requests: Requests) -> Result<Opened, Ending> {
    let opening = async {
        let mut outputs = Outputs::new(broker.attach(requests).await?);
        Ok((outputs.next().await?, outputs))
    };
    let opened: Result<_, tonic::Status> =
        timeout(ATTACH_DEADLINE, opening).await.map_err(|_late| {
            tracing::warn!("the broker did not open a terminal in time");
            Ending::Lost
        })?;
    match opened {
        Ok((Some(Response::Opened(opened)), outputs)) => {
            Ok(Opened { session_id: opened.session_id, outputs })
        }
        Ok((Some(Response::Closed(closed)), _)) => Err(Ending::of_closed(&closed)),
        Ok(_) => Err(Ending::Lost),
        Err(status) => {
            tracing::warn!(code = ?status.code(), message = status.message(), "no terminal");
            Err(Ending::of_refusal(&status))
        }
    }
}

/// What a viewer sends, whatever it comes through.
pub(super) trait Messages: Stream<Item = Result<Message, Error>> + Unpin {}

impl<S: Stream<Item = Result<Message, Error>> + Unpin> Messages for S {}

/// Where a viewer is written to, whatever it goes through.
pub(super) trait Viewer: Sink<Message, Error = Error> + Unpin {}

impl<S: Sink<Message, Error = Error> + Unpin> Viewer for S {}

/// What the broker says of one terminal.
pub(super) trait Responses: Stream<Item = Result<AttachResponse, Status>> + Unpin {}

impl<S: Stream<Item = Result<AttachResponse, Status>> + Unpin> Responses for S {}

/// The next message that is not a ping or pong.
pub(super) async fn receive(source: &mut impl Messages) -> Result<Message, Ending> {
    loop {
        match timeout(SILENCE_MAX, source.next()).await {
            Err(_silent) => return Err(Ending::Silent),
            Ok(Some(Ok(Message::Ping(_) | Message::Pong(_)))) => {}
            Ok(Some(Ok(Message::Close(_))) | None) => return Err(Ending::Left),
            Ok(Some(Ok(message))) => return Ok(message),
            Ok(Some(Err(error))) => return Err(broken(&error)),
        }
    }
}

fn broken(error: &Error) -> Ending {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { .. }) => {
            Ending::Violation(Violation::TooBig)
        }
        // A closed laptop, a lost network: the connection ended, and nobody broke a rule.
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => Ending::Left,
        Error::Protocol(_) | Error::Utf8(_) => Ending::Violation(Violation::Malformed),
        _ => Ending::Left,
    }
}

/// What reader and writer share: counts only.
pub(super) struct Pump<'a> {
    protocol: Protocol,
    counted: &'a OpenSession,
    typed: AtomicU64,
    shown: AtomicU64,
    /// Output bytes sent to the viewer and not acknowledged.
    unacknowledged: AtomicU64,
}

impl<'a> Pump<'a> {
    pub(super) fn new(protocol: Protocol, counted: &'a OpenSession) -> Self {
        let zero = AtomicU64::default;
        Self { protocol, counted, typed: zero(), shown: zero(), unacknowledged: zero() }
    }

    pub(super) fn typed(&self) -> u64 {
        self.typed.load(Relaxed)
    }

    pub(super) fn shown(&self) -> u64 {
        self.shown.load(Relaxed)
    }

    /// From the viewer to the broker, until the viewer is gone.
    pub(super) async fn read(&self, source: &mut impl Messages, upstream: &Upstream) -> Ending {
        loop {
            while !upstream.has_room() {
                if timeout(INPUT_STALL_MAX, upstream.drained()).await.is_err() {
                    return Ending::Violation(Violation::Flood);
                }
            }
            match receive(source).await {
                Ok(Message::Binary(input)) => self.take_input(input, upstream),
                Ok(Message::Text(text)) => match ClientMessage::parse(&text) {
                    Ok(message) => self.take_control(message, upstream),
                    Err(_) => return Ending::Violation(Violation::Malformed),
                },
                Ok(_) => {}
                Err(ending) => return ending,
            }
            // A viewer that pours in input must not keep its own output waiting.
            tokio::task::yield_now().await;
        }
    }

    fn take_input(&self, input: Bytes, upstream: &Upstream) {
        if !input.is_empty() {
            self.typed.fetch_add(input.len() as u64, Relaxed);
            self.counted.typed(input.len() as u64);
            upstream.input(input);
        }
    }

    fn take_control(&self, message: ClientMessage, upstream: &Upstream) {
        match message {
            ClientMessage::Resize { cols, rows } => upstream.resize(message::size(cols, rows)),
            // The older protocol has no such message: its bytes are counted when written.
            ClientMessage::Ack { bytes } if self.protocol == Protocol::V1 => {
                self.acknowledge(bytes, upstream);
            }
            ClientMessage::Ack { .. } | ClientMessage::Unknown => {}
        }
    }

    /// Nobody can have drawn more than was sent.
    fn acknowledge(&self, bytes: u64, upstream: &Upstream) {
        let under_way = self.unacknowledged.load(Relaxed);
        let bytes = bytes.min(under_way);
        self.unacknowledged.store(under_way - bytes, Relaxed);
        if bytes > 0 {
            upstream.ack(bytes);
        }
    }

    /// From the broker to the viewer, until the terminal is closed.
    pub(super) async fn write(
        &self,
        outputs: Outputs<impl Responses>,
        sink: &mut impl Viewer,
        upstream: &Upstream,
        agent: AgentName<'_>,
    ) -> Ending {
        let silence_ms = u64::try_from(SILENCE_MAX.as_millis()).unwrap_or(u64::MAX);
        let hello = ServerMessage::Hello { agent, window: WINDOW_BYTES, silence_ms };
        if self.tell(sink, &hello).await.is_err() {
            return Ending::Left;
        }
        match self.write_outputs(outputs, sink, upstream).await {
            Ok(ending) => {
                if let Ending::Ended { exit_code, message } = &ending {
                    let exit = ServerMessage::Exit { code: *exit_code, message };
                    // The close frame follows and says the rest.
                    let _ = self.tell(sink, &exit).await;
                }
                ending
            }
            Err(_unwritable) => Ending::Left,
        }
    }

    async fn write_outputs(
        &self,
        mut outputs: Outputs<impl Responses>,
        sink: &mut impl Viewer,
        upstream: &Upstream,
    ) -> Result<Ending, Error> {
        let mut pings = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        loop {
            let response = tokio::select! {
                biased;
                _ = pings.tick() => {
                    // The browser answers the one, and the page sees only the other.
                    sink.send(Message::Ping(Bytes::new())).await?;
                    self.tell(sink, &ServerMessage::Heartbeat).await?;
                    continue;
                }
                response = outputs.next() => response,
            };
            match response {
                Ok(Some(Response::Output(bytes))) => {
                    self.write_output(bytes, sink, upstream).await?;
                }
                Ok(Some(Response::Closed(closed))) => return Ok(Ending::of_closed(&closed)),
                Ok(Some(Response::Opened(_))) => {}
                Ok(None) => return Ok(Ending::Lost),
                Err(status) => {
                    tracing::warn!(code = ?status.code(), message = status.message(), "lost");
                    return Ok(Ending::Lost);
                }
            }
        }
    }

    async fn write_output(
        &self,
        bytes: Bytes,
        sink: &mut impl Viewer,
        upstream: &Upstream,
    ) -> Result<(), Error> {
        let length = bytes.len() as u64;
        self.unacknowledged.fetch_add(length, Relaxed);
        sink.send(Message::Binary(bytes)).await?;
        self.shown.fetch_add(length, Relaxed);
        self.counted.shown(length);
        if self.protocol == Protocol::Legacy {
            // It never acknowledges: what the socket took counts as drawn.
            self.acknowledge(length, upstream);
        }
        Ok(())
    }

    async fn tell(&self, sink: &mut impl Viewer, message: &ServerMessage<'_>) -> Result<(), Error> {
        match self.protocol {
            Protocol::V1 => sink.send(Message::text(message.to_json())).await,
            Protocol::Legacy => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
