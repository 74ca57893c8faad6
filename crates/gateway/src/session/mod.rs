//! One viewer's terminal, from the upgraded socket to its close frame, owned by
//! one task. It decides who may stay only by the share index; bytes pass unread.

mod ending;
mod message;
mod output;
mod pump;
mod stay;
mod upstream;

use std::time::{Duration, Instant};

use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use share::watch::Links;
use terminal_proto::v1::{Open, Size};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};
use tokio_util::sync::CancellationToken;

use self::{
    ending::{Ending, Violation},
    message::ClientMessage,
    pump::Pump,
};
pub(crate) use self::{message::AgentName, stay::Visit};
use crate::{broker::Broker, metrics::OpenSession, terminals::TerminalSlot, upgrade::Protocol};

/// The most that a message of a viewer may hold, in bytes.
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Output bytes that may be under way to a viewer, not yet drawn.
const WINDOW_BYTES: u32 = 256 * 1024;
/// How long a viewer may take for the upgrade, and then for its first message.
const OPENING_DEADLINE: Duration = Duration::from_secs(10);
/// How long a viewer may take to answer a close frame: a drain shall end within 2 s.
const CLOSE_DEADLINE: Duration = Duration::from_secs(1);
/// What a viewer of the older protocol has until it says otherwise.
const LEGACY_SIZE: Size = Size { columns: 80, rows: 24 };

type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Sink = SplitSink<Socket, Message>;
type Source = SplitStream<Socket>;

/// A session that was admitted.
pub(crate) struct Session {
    pub(crate) visit: Visit,
    pub(crate) protocol: Protocol,
    pub(crate) links: Links,
    pub(crate) broker: Broker,
    pub(crate) shutdown: CancellationToken,
    pub(crate) counted: OpenSession,
    /// Held until the end.
    pub(crate) _slot: TerminalSlot,
}

impl Session {
    /// Serves the viewer until either side ends it.
    pub(crate) async fn run(self, upgrade: OnUpgrade) {
        let started = Instant::now();
        let Ok(Ok(upgraded)) = tokio::time::timeout(OPENING_DEADLINE, upgrade).await else {
            return;
        };
        let (mut sink, mut source) = websocket(upgraded).await.split();
        let pump = Pump::new(self.protocol, &self.counted);

        let ending = tokio::select! {
            biased;
            () = self.shutdown.cancelled() => Ending::Draining,
            denial = self.visit.denied(&self.links) => Ending::Denied(denial),
            ending = self.converse(&pump, &mut sink, &mut source) => ending,
        };
        self.counted.closed(ending.code());
        tracing::info!(
            link = %self.link(),
            agent = %self.visit.agent,
            client = %self.visit.client.ip,
            code = u16::from(ending.code()),
            reason = ending.name(),
            seconds = started.elapsed().as_secs(),
            typed_bytes = pump.typed(),
            shown_bytes = pump.shown(),
            "terminal closed"
        );
        // Whoever does not answer the close frame is cut off.
        let _ = tokio::time::timeout(CLOSE_DEADLINE, close(sink, source, &ending)).await;
    }

    async fn converse(&self, pump: &Pump<'_>, sink: &mut Sink, source: &mut Source) -> Ending {
        let first = match self.first_message(source).await {
            Ok(first) => first,
            Err(ending) => return ending,
        };
        let (upstream, requests) = upstream::upstream(self.open(first.size));
        if let Some(input) = first.input {
            upstream.input(input);
        }
        tokio::select! {
            // Input and control first: they never wait behind output.
            biased;
            ending = pump.read(source, &upstream) => ending,
            ending = self.show(pump, sink, requests, &upstream) => ending,
        }
    }

    async fn show(
        &self,
        pump: &Pump<'_>,
        sink: &mut Sink,
        requests: upstream::Requests,
        upstream: &upstream::Upstream,
    ) -> Ending {
        let opened = match pump::attach(&self.broker, requests).await {
            Ok(opened) => opened,
            Err(ending) => return ending,
        };
        tracing::info!(
            link = %self.link(),
            agent = %self.visit.agent,
            client = %self.visit.client.ip,
            session = opened.session_id,
            "terminal opened"
        );
        let agent =
            AgentName { name: &self.visit.agent.name, namespace: &self.visit.agent.namespace };
        pump.write(opened.outputs, sink, upstream, agent).await
    }

    /// The opening size. Our page sends it first; an older page may type at once.
    async fn first_message(&self, source: &mut Source) -> Result<First, Ending> {
        let message = tokio::time::timeout(OPENING_DEADLINE, pump::receive(source)).await;
        match (message, self.protocol) {
            (Ok(Err(ending)), _) => Err(ending),
            (Ok(Ok(Message::Text(text))), _) => match ClientMessage::parse(&text) {
                Ok(ClientMessage::Resize { cols, rows }) => {
                    Ok(First { size: message::size(cols, rows), input: None })
                }
                _ => Err(Ending::Violation(Violation::NoSize)),
            },
            (Ok(Ok(Message::Binary(input))), Protocol::Legacy) => {
                Ok(First { size: LEGACY_SIZE, input: Some(input) })
            }
            (Err(_late), Protocol::Legacy) => Ok(First { size: LEGACY_SIZE, input: None }),
            _ => Err(Ending::Violation(Violation::NoSize)),
        }
    }

    fn open(&self, size: Size) -> Open {
        Open {
            token: self.visit.token.expose().to_owned(),
            client_address: self.visit.client.ip.to_string(),
            size: Some(size),
            window_bytes: WINDOW_BYTES,
        }
    }

    /// What logs call the link: the start of its digest, which opens nothing.
    fn link(&self) -> String {
        link_name(&self.visit)
    }
}

fn link_name(visit: &Visit) -> String {
    let mut digest = visit.token.lookup().to_string();
    digest.truncate(8);
    digest
}

struct First {
    size: Size,
    input: Option<bytes::Bytes>,
}

async fn websocket(upgraded: Upgraded) -> Socket {
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX))
        // Allocated at once for each viewer, so small: what viewers send is small.
        .read_buffer_size(8 * 1024)
        .write_buffer_size(16 * 1024)
        .max_write_buffer_size(256 * 1024);
    WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, Some(config)).await
}

/// Says why, and waits until the viewer has read it.
async fn close(mut sink: Sink, mut source: Source, ending: &Ending) {
    if *ending != Ending::Left {
        let _ = sink.send(Message::Close(Some(ending.close_frame()))).await;
    }
    // Closing the socket with unread input would reset it, and lose the frame.
    while let Some(Ok(_)) = source.next().await {}
    let _ = sink.close().await;
}
