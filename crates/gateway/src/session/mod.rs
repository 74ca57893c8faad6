//! One viewer's terminal, from the upgraded socket to its close frame, owned by one task. It
//! decides who may stay only by the visit; bytes pass unread.
//!
//! Each module uses only those above it.

mod ending;
mod join;
mod liveness;
mod message;
mod outlet;
mod outputs;
mod typing;
mod upstream;
mod window;

mod input;
mod link;
mod opening;
mod socket;

mod viewer;

mod conversation;

#[cfg(test)]
mod documented_tests;

use std::time::{Duration, Instant};

use api_types::{AgentId, LinkName, ShareToken};
use daemon::{clock, connect};
use hyper::upgrade::OnUpgrade;
use share::{Denial, Grant, Visit, Visitor, audit::link_id, capacity};
use terminal_proto::v1::{Open, Size};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::Span;

use self::{
    ending::{Departure, Ending},
    link::Link,
    message::AgentName,
    opening::Responses,
    upstream::Upstream,
    viewer::{Viewer, WINDOW_BYTES},
};
use crate::{
    broker::Broker,
    metrics::OpenTerminal,
    spans::{self, FirstOutput},
    upgrade::Protocol,
};

/// What a viewer of the older protocol has until it says otherwise.
const LEGACY_SIZE: Size = Size { columns: 80, rows: 24 };
/// How long the broker may take to end the stream of a viewer that is gone.
const LEAVE_DEADLINE: Duration = Duration::from_secs(2);

/// A session that was admitted.
pub(crate) struct Session {
    pub(crate) token: ShareToken,
    pub(crate) protocol: Protocol,
    pub(crate) broker: Broker,
    pub(crate) shutdown: CancellationToken,
    pub(crate) counted: OpenTerminal,
    /// Held until the end, as is the connection's.
    pub(crate) place: capacity::Slot,
    pub(crate) connection: connect::Slot,
    /// Of the request, until the first output.
    pub(crate) request: Span,
}

impl Session {
    /// Serves the viewer until either side ends it, or the visit is over.
    pub(crate) async fn run(self, mut visit: Visit, upgrade: OnUpgrade) {
        let Self { token, protocol, broker, shutdown, counted, place, connection, request } = self;
        let started = Instant::now();
        let websocket = spans::websocket(&request);
        let Some((stream, read)) = socket::upgraded(upgrade).await else { return };
        let upstream = Upstream::new(open(&token, &visit));
        let socket = socket::websocket(stream, read).await;
        let (granted, grants) = watch::channel(visit.grant());
        let mut viewer = Viewer::new(socket, protocol, upstream, Link::new(grants), counted);
        let mut responses = None;

        let Visitor { agent, link, link_name, client } = visit.visitor().clone();
        let (link, client) = (link_id(link), client.ip);
        let spans = Spans { request, websocket };
        let served = serve(&mut viewer, &broker, &agent, &mut responses, spans, started);
        let ending = tokio::select! {
            biased;
            () = shutdown.cancelled() => Ending::Draining,
            denial = ended(&mut visit, &granted) => Ending::Denied(denial),
            ending = served => ending,
        };
        let traffic = viewer.traffic();
        tracing::info!(
            link, link_name = link_name.as_ref().map(LinkName::as_str), %agent, %client,
            code = u16::from(ending.code()),
            reason = ending.name(),
            seconds = started.elapsed().as_secs(),
            input_bytes = traffic.input,
            output_bytes = traffic.output,
            "terminal closed"
        );
        let (socket, upstream, counted) = viewer.into_parts();
        counted.closed(ending.code(), ending.name());
        if matches!(ending, Ending::Denied(_)) {
            counted.revoked(visit.changed_at());
        }
        tokio::join!(leave(upstream, responses, &ending), socket::end(socket, &ending));
        drop((place, connection));
    }
}

/// Waits until the visit may go on no longer. What else it may do is handed on meanwhile, before
/// anything of the viewer's is taken.
async fn ended(visit: &mut Visit, granted: &watch::Sender<Grant>) -> Denial {
    loop {
        match visit.changed(clock::now).await {
            // What the page is told is worth telling only where it is another.
            Ok(grant) => {
                granted.send_if_modified(|known| std::mem::replace(known, grant) != grant);
            }
            Err(denial) => return denial,
        }
    }
}

/// What a session that opens is traced by.
struct Spans {
    request: Span,
    /// Over when the viewer has told its size.
    websocket: Span,
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    viewer: &mut Viewer<S>,
    broker: &Broker,
    agent: &AgentId,
    responses: &mut Option<Responses>,
    spans: Spans,
    started: Instant,
) -> Ending {
    let Spans { request, websocket } = spans;
    match open_terminal(viewer, broker, agent, &request, websocket, started).await {
        Ok(opened) => {
            let first = FirstOutput::of(request);
            conversation::relay(viewer, responses.insert(opened), first).await
        }
        Err(ending) => {
            spans::failed(&request, ending.name());
            ending
        }
    }
}

async fn open_terminal<S: AsyncRead + AsyncWrite + Unpin>(
    viewer: &mut Viewer<S>,
    broker: &Broker,
    agent: &AgentId,
    request: &Span,
    websocket: Span,
    started: Instant,
) -> Result<Responses, Ending> {
    conversation::receive_size(viewer).await?;
    drop(websocket);
    let opening = opening::open(broker, viewer.attempts(), request);
    let (opened, responses) = conversation::while_opening(viewer, opening).await?;
    tracing::info!(%agent, session = opened.session_id, "terminal opened");
    let name = AgentName { name: &agent.name, namespace: &agent.namespace };
    viewer.opened(&opened, name, started.elapsed(), request)?;
    Ok(responses)
}

fn open(token: &ShareToken, visit: &Visit) -> Open {
    Open {
        token: token.expose().to_owned(),
        client_address: visit.visitor().client.ip.to_string(),
        size: Some(LEGACY_SIZE),
        window_bytes: WINDOW_BYTES,
        accepts_lz4: true,
        join: None,
    }
}

/// Tells the broker how its viewer went. What one that left typed last is still to reach the program,
/// and nothing that one typed who was cut. In both cases the stream is the broker's to end: given up,
/// it would take with it what was said last.
async fn leave(upstream: Upstream, responses: Option<Responses>, ending: &Ending) {
    let departure = ending.departure();
    match departure {
        Departure::Left | Departure::Lost => drop(upstream),
        Departure::Cut => upstream.hang_up(),
    }
    if let (Departure::Left | Departure::Cut, Some(mut responses)) = (departure, responses) {
        let _ = timeout(LEAVE_DEADLINE, responses.ended()).await;
    }
}
