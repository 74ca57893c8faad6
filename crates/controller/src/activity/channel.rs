//! One HTTP/2 connection to one broker, which must show a certificate for the brokers' name.

use std::net::SocketAddr;

use daemon::dial::{self, DialError, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, Peer};
use http::Uri;
use hyper_util::rt::TokioIo;
use tonic::transport::{Channel, Endpoint, Error};
use tower::service_fn;

/// Connects to a broker. Nothing is encrypted without `peer`.
pub(super) async fn connect(address: SocketAddr, peer: Option<Peer>) -> Result<Channel, Error> {
    // The connector has the address; HTTP/2 wants an authority.
    let endpoint = Endpoint::from_static("http://terminal-broker")
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    let connector = service_fn(move |_: Uri| {
        let connecting = dial::connect(address, peer.as_ref().map(Peer::handshake));
        async move { Ok::<_, DialError>(TokioIo::new(connecting.await?)) }
    });
    endpoint.connect_with_connector(connector).await
}
