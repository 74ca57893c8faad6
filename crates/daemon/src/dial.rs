//! Connections that we make to our own processes: over TLS with the newest certificates, or bare
//! where nothing is to be encrypted. What is said on them is the caller's: HTTP/2, whose keep-alive
//! is the same for all. It repeats nothing.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

pub use rustls::pki_types::InvalidDnsNameError;
use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::either::Either;

use crate::{
    ReadAhead, socket,
    tls::{ALPN_HTTP2, Certificates},
};

/// How long TCP and TLS may take together.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

/// Between two pings of HTTP/2: a dead peer is noticed within the two together, 25 s.
pub const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
pub const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the peer does not speak HTTP/2")]
    NoHttp2,
    #[error("not connected within {CONNECT_DEADLINE:?}")]
    Late,
}

/// What peers have to show, whatever their addresses, and what they are shown.
#[derive(Clone, Debug)]
pub struct Peer {
    name: ServerName<'static>,
    certificates: Certificates,
}

impl Peer {
    /// A peer whose certificate is of the same authority as ours, and for `name`.
    pub fn named(name: &str, certificates: Certificates) -> Result<Self, InvalidDnsNameError> {
        Ok(Self { name: ServerName::try_from(name.to_owned())?, certificates })
    }

    /// With the certificates of now: they are renewed in place.
    pub fn handshake(&self) -> Handshake {
        Handshake { name: self.name.clone(), config: self.certificates.client() }
    }
}

/// What one connection shows, trusts and expects. Two are equal if their certificates are those of
/// the same reading of the files.
#[derive(Clone, Debug)]
pub struct Handshake {
    name: ServerName<'static>,
    config: Arc<ClientConfig>,
}

impl PartialEq for Handshake {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && Arc::ptr_eq(&self.config, &other.config)
    }
}

/// Connects to `address`. Nothing is encrypted without `handshake`.
pub async fn connect(
    address: SocketAddr,
    handshake: Option<Handshake>,
) -> Result<impl AsyncRead + AsyncWrite + Send + Unpin, DialError> {
    let connected = async {
        let stream = tcp(address).await.map_err(DialError::Connect)?;
        match handshake {
            None => Ok(Either::Left(stream)),
            Some(handshake) => Ok(Either::Right(encrypt(stream, handshake).await?)),
        }
    };
    timeout(CONNECT_DEADLINE, connected).await.unwrap_or(Err(DialError::Late))
}

async fn tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    socket::configure(&stream)?;
    Ok(stream)
}

async fn encrypt(
    stream: TcpStream,
    Handshake { name, config }: Handshake,
) -> Result<TlsStream<ReadAhead<TcpStream>>, DialError> {
    let connecting = TlsConnector::from(config).connect(name, ReadAhead::new(stream));
    let stream = connecting.await.map_err(DialError::Tls)?;
    match stream.get_ref().1.alpn_protocol() {
        Some(ALPN_HTTP2) => Ok(stream),
        _ => Err(DialError::NoHttp2),
    }
}

#[cfg(test)]
mod tests;
