//! The gRPC server around the service: who may call, its limits, health and reflection, and how it
//! ends. It decides nothing about terminals.

use std::time::Duration;

use daemon::{Gate, tls::Established};
use futures::Stream;
use terminal_proto::v1::FILE_DESCRIPTOR_SET;
use tokio_util::sync::CancellationToken;
use tonic::transport::Server;
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

use crate::{activity::WAITING_MAX, error::BrokerError, session::Broker};

mod callers;
mod health;
mod incoming;
mod listing;
mod service;
mod status;
mod terminals;
mod watching;

pub(crate) use callers::{AllowedCallers, Role};
use terminals::Terminals;

/// Input that one session may have under way towards us, in bytes: as much as its window allows.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// The most that HTTP/2 allows, in bytes (RFC 9113, section 6.9.1).
const CONNECTION_WINDOW_MAX_BYTES: u32 = i32::MAX as u32;
/// A dead caller is noticed within 25 s: a gateway with its terminals, a controller with its watch.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams of one connection beyond the sessions there may be: health, reflection and lists, and the
/// calls that wait for an agent to wake.
#[expect(clippy::cast_possible_truncation, reason = "some hundred")]
const SPARE_STREAMS: u32 = 64 + WAITING_MAX as u32;
/// How long callers may take to read their last message.
const DRAIN_GRACE: Duration = Duration::from_millis(1500);

/// What the server stands on.
pub(crate) struct Listening<I> {
    pub(crate) established: I,
    pub(crate) callers: AllowedCallers,
    pub(crate) max_connections: usize,
    pub(crate) max_terminals: usize,
}

/// Serves `broker` until its shutdown, and a moment longer to those who are still reading.
pub(crate) async fn serve(
    broker: Broker,
    readiness: Gate,
    listening: Listening<impl Stream<Item = Established>>,
) -> Result<(), BrokerError> {
    let Listening { established, callers, max_connections, max_terminals } = listening;
    let shutdown = broker.shutdown.clone();
    let router = builder(max_terminals)
        .add_service(health::service(&broker, readiness))
        .add_service(reflection()?)
        .add_service(Terminals::new(broker));
    let connections = incoming::of_callers(established, callers, max_connections);
    let serving = router.serve_with_incoming_shutdown(connections, shutdown.cancelled());
    tokio::select! {
        // Ended by itself in the instant of the deadline is ended by itself.
        biased;
        ended = serving => ended.map_err(BrokerError::Serve),
        () = grace_passed(&shutdown) => Ok(()),
    }
}

/// Every terminal may be a stream of one connection, and none of them can take the others' room.
fn builder(max_terminals: usize) -> Server {
    let streams = u32::try_from(max_terminals).unwrap_or(u32::MAX).saturating_add(SPARE_STREAMS);
    let window = streams.saturating_mul(STREAM_WINDOW_BYTES).min(CONNECTION_WINDOW_MAX_BYTES);
    Server::builder()
        .max_concurrent_streams(streams)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(window)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
}

async fn grace_passed(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(DRAIN_GRACE).await;
}

fn reflection() -> Result<ServerReflectionServer<impl ServerReflection>, BrokerError> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(BrokerError::Reflection)
}
