//! One HTTP/2 connection to one broker, which must show a certificate for the brokers' name.

use std::{io, net::SocketAddr, time::Duration};

use daemon::{socket, tls::Certificates};
use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls::pki_types::ServerName};
use tonic::transport::{Channel, Endpoint, Error};
use tower::service_fn;

/// A dead broker is noticed within the two together: 25 s.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long TCP and TLS may take together.
const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// What brokers have to show, and what they are shown.
#[derive(Clone, Debug)]
pub(super) struct Tls {
    /// What a broker's certificate must be for, whatever its address.
    pub(super) name: ServerName<'static>,
    pub(super) certificates: Certificates,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// Connects to a broker. Nothing is encrypted without `tls`.
pub(super) async fn connect(address: SocketAddr, tls: Option<Tls>) -> Result<Channel, Error> {
    // The connector has the address; HTTP/2 wants an authority.
    let endpoint = Endpoint::from_static("http://terminal-broker")
        .connect_timeout(CONNECT_DEADLINE)
        .http2_keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true);
    let connector = service_fn(move |_: Uri| {
        let tls = tls.clone();
        async move { Ok::<_, io::Error>(TokioIo::new(dial(address, tls).await?)) }
    });
    endpoint.connect_with_connector(connector).await
}

async fn dial(address: SocketAddr, tls: Option<Tls>) -> io::Result<Box<dyn Stream>> {
    let stream = TcpStream::connect(address).await?;
    socket::configure(&stream)?;
    let Some(Tls { name, certificates }) = tls else { return Ok(Box::new(stream)) };
    // Those of now: they are renewed in place.
    let connector = TlsConnector::from(certificates.client());
    let stream = connector.connect(name, stream).await?;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Ok(Box::new(stream)),
        _ => Err(io::Error::other("the broker does not speak HTTP/2")),
    }
}
