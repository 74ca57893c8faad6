//! The one builder of clients of the API server: key strokes go out at once, a watch that was cut
//! off is noticed in seconds, and a server that answers no more in a minute or so. kube's own client
//! leaves Nagle's algorithm on, waits for ever in a TLS handshake where it is built by hand, and for
//! 295 s for an answer. It retries nothing: its callers do, with pauses that they know of. Each request
//! is counted.

use std::time::Duration;

use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{self, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use kube::{
    Client, Config,
    client::{Body, ConfigExt},
};
use tower::{ServiceBuilder, ServiceExt, timeout::TimeoutLayer};

use crate::{Metrics, ReadAhead, socket::KeepAlive};
use requests::CountRequests;

mod requests;

/// Time to connect, the TLS handshake included.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Time until an answer begins, and between two parts of it for [`watching`]: longer than the
/// API server's own 60 s for a request, and than the minute between two bookmarks of a watch.
pub const READ_DEADLINE: Duration = Duration::from_secs(70);

/// When a connection is given up.
#[derive(Clone, Copy, Debug)]
struct Patience {
    /// Its other end is gone.
    gone: KeepAlive,
    /// It carries nothing while something is awaited of it; `None` is never.
    quiet: Option<Duration>,
}

/// Until it is known that a watch was cut off, what it does not tell passes for what is not: a
/// gateway calls a link wrong that was made since. So it is known after 9 s, which costs a bare
/// segment each way for 3 s of silence, and no request.
const WATCHING: Patience = Patience {
    gone: KeepAlive { idle: Duration::from_secs(3), interval: Duration::from_secs(2), retries: 3 },
    quiet: Some(READ_DEADLINE),
};

/// A terminal outlasts what its guest's connection outlasts.
const ACTING: Patience = Patience { gone: KeepAlive::ACCEPTED, quiet: None };

/// A client for lists, watches and single requests. Its watches have to ask for bookmarks.
pub fn watching(config: &Config, metrics: &Metrics) -> Result<Client, kube::Error> {
    build(config, metrics, WATCHING)
}

/// A client whose streams may be quiet for ever, as those of an exec. The kernel finds a dead
/// peer; one that is wedged is found by the stream's own pings only.
pub fn acting(config: &Config, metrics: &Metrics) -> Result<Client, kube::Error> {
    build(config, metrics, ACTING)
}

fn build(config: &Config, metrics: &Metrics, patience: Patience) -> Result<Client, kube::Error> {
    let tcp = tcp(patience.gone);
    let tcp = tcp.map_response(|stream| TokioIo::new(ReadAhead::new(stream.into_inner())));
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp)?);
    // Around TLS, so that the handshake is in it.
    connector.set_connect_timeout(Some(CONNECT_DEADLINE));
    connector.set_read_timeout(patience.quiet);

    let transport = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        // Outside the deadline, which is no answer either.
        .layer(CountRequests(metrics.api_requests()))
        .layer(TimeoutLayer::new(READ_DEADLINE))
        .service(transport);
    Ok(Client::new(service, config.default_namespace.clone()))
}

fn tcp(keep_alive: KeepAlive) -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_DEADLINE));
    tcp.set_keepalive(Some(keep_alive.idle));
    tcp.set_keepalive_interval(Some(keep_alive.interval));
    tcp.set_keepalive_retries(Some(keep_alive.retries));
    tcp.set_tcp_user_timeout(Some(keep_alive.deadline()));
    tcp
}

#[cfg(test)]
mod tests;
