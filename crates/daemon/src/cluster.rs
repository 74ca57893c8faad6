//! The one builder of clients of the API server: a server that answers no more is noticed in a
//! minute or so, and key strokes go out at once. kube's own client leaves Nagle's algorithm on,
//! waits for ever in a TLS handshake where it is built by hand, and for 295 s for an answer. It
//! retries nothing: its callers do, with pauses that they know of.

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

use crate::{ReadAhead, socket};

/// Time to connect, the TLS handshake included.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// Time until an answer begins, and between two parts of it for [`watching`]: longer than the
/// API server's own 60 s for a request, and than the minute between two bookmarks of a watch.
pub const READ_DEADLINE: Duration = Duration::from_secs(70);

/// A client for lists, watches and single requests. Its watches have to ask for bookmarks.
pub fn watching(config: &Config) -> Result<Client, kube::Error> {
    build(config, Quiet::For(READ_DEADLINE))
}

/// A client whose streams may be quiet for ever, as those of an exec. The kernel finds a dead
/// peer; one that is wedged is found by the stream's own pings only.
pub fn acting(config: &Config) -> Result<Client, kube::Error> {
    build(config, Quiet::ForEver)
}

/// How long a connection may carry nothing while something is awaited of it.
#[derive(Clone, Copy)]
enum Quiet {
    For(Duration),
    ForEver,
}

fn build(config: &Config, quiet: Quiet) -> Result<Client, kube::Error> {
    let tcp = tcp().map_response(|stream| TokioIo::new(ReadAhead::new(stream.into_inner())));
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(tcp)?);
    // Around TLS, so that the handshake is in it.
    connector.set_connect_timeout(Some(CONNECT_DEADLINE));
    connector.set_read_timeout(match quiet {
        Quiet::For(deadline) => Some(deadline),
        Quiet::ForEver => None,
    });

    let transport = legacy::Client::builder(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .layer(TimeoutLayer::new(READ_DEADLINE))
        .service(transport);
    Ok(Client::new(service, config.default_namespace.clone()))
}

fn tcp() -> HttpConnector {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_DEADLINE));
    tcp.set_keepalive(Some(socket::KEEPALIVE_IDLE));
    tcp.set_keepalive_interval(Some(socket::KEEPALIVE_INTERVAL));
    tcp.set_keepalive_retries(Some(socket::KEEPALIVE_RETRIES));
    tcp.set_tcp_user_timeout(Some(socket::USER_TIMEOUT));
    tcp
}

#[cfg(test)]
mod tests;
