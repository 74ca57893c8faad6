//! The gRPC server around the service: its limits, health and reflection, and how it ends.

use std::time::Duration;

use daemon::connect::Acceptor;
use share::Links;
use terminal_proto::v1::{FILE_DESCRIPTOR_SET, terminal_broker_server::TerminalBrokerServer};
use tokio_util::sync::CancellationToken;
use tonic::{
    service::InterceptorLayer,
    transport::{Server, ServerTlsConfig},
};
use tonic_health::{ServingStatus, pb::health_server::HealthServer, server::HealthReporter};
use tonic_reflection::server::v1::{ServerReflection, ServerReflectionServer};

use crate::{broker::Broker, error::BrokerError, incoming, service::Service, tls::AllowedClients};

/// The most of one gRPC message, in bytes: 64 KiB of terminal, and room for its wrapping.
const MAX_MESSAGE_BYTES: usize = 128 * 1024;
/// Input that one session may have under way towards us, in bytes.
const STREAM_WINDOW_BYTES: u32 = 128 * 1024;
/// All input under way in one connection, in bytes: 512 stalled streams still leave the others room.
const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024 * 1024;
/// A dead gateway is noticed within 25 s.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);
/// Streams of one connection beyond the sessions there may be: health, reflection, lists.
const SPARE_STREAMS: u32 = 64;
/// How long callers may take to read their last message.
const DRAIN_GRACE: Duration = Duration::from_millis(1500);

/// Serves `broker` until `shutdown`, and a moment longer to those who are still reading.
pub(crate) async fn serve(
    broker: Broker,
    acceptor: Acceptor,
    tls: ServerTlsConfig,
    callers: AllowedClients,
    max_sessions: usize,
) -> Result<(), BrokerError> {
    let shutdown = broker.shutdown.clone();
    let sessions = u32::try_from(max_sessions).unwrap_or(u32::MAX);
    let mut server = Server::builder()
        .tls_config(tls)
        .map_err(BrokerError::Tls)?
        .max_concurrent_streams(sessions.saturating_add(SPARE_STREAMS))
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .layer(InterceptorLayer::new(callers));
    let router = server
        .add_service(health(&broker))
        .add_service(reflection()?)
        .add_service(terminals(broker));
    let serving =
        router.serve_with_incoming_shutdown(incoming::connections(acceptor), shutdown.cancelled());
    tokio::select! {
        // Ended by itself in the instant of the deadline is ended by itself.
        biased;
        ended = serving => ended.map_err(BrokerError::Serve),
        () = grace_passed(&shutdown) => Ok(()),
    }
}

async fn grace_passed(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    tokio::time::sleep(DRAIN_GRACE).await;
}

fn terminals(broker: Broker) -> TerminalBrokerServer<Service> {
    TerminalBrokerServer::new(Service(broker))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_MESSAGE_BYTES)
}

fn reflection() -> Result<ServerReflectionServer<impl ServerReflection>, BrokerError> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(FILE_DESCRIPTOR_SET)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()
        .map_err(BrokerError::Reflection)
}

/// `grpc.health.v1`: serving from the first listing of links until the shutdown.
fn health(broker: &Broker) -> HealthServer<impl tonic_health::pb::health_server::Health> {
    let (reporter, server) = tonic_health::server::health_reporter();
    broker.tasks.spawn(report(reporter, broker.links.clone(), broker.shutdown.clone()));
    server
}

async fn report(reporter: HealthReporter, links: Links, shutdown: CancellationToken) {
    set(&reporter, ServingStatus::NotServing).await;
    if shutdown.run_until_cancelled(links.synced()).await.is_some() {
        set(&reporter, ServingStatus::Serving).await;
        shutdown.cancelled().await;
    }
    set(&reporter, ServingStatus::NotServing).await;
}

async fn set(reporter: &HealthReporter, status: ServingStatus) {
    reporter.set_service_status("", status).await;
    reporter.set_service_status("kubeopencode.terminal.v1.TerminalBroker", status).await;
}
