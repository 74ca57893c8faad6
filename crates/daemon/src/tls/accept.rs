//! TLS handshakes, apart from the connections that have done theirs: whoever opens connections
//! and says nothing keeps no peer with a certificate out. It reads nothing beyond the handshake.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use futures::{Stream, stream};
use rustls::ServerConfig;
use tokio::{net::TcpStream, sync::mpsc, time::timeout};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::Certificates;
use crate::{
    ReadAhead,
    connect::{Acceptor, Connection, Evicted, Slot},
};

/// Connections that may be in their handshake at once: what a listener of [`incoming`] is given
/// as its `max_connections`.
pub const MAX_HANDSHAKES: usize = 256;

/// How long a handshake may take.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(5);

/// Established connections that may wait to be taken.
const WAITING_CONNECTIONS: usize = 16;

/// A connection whose peer has shown a certificate of the authority. Keep `slot` for as long as
/// the stream is in use: it counts among the open ones.
#[derive(Debug)]
pub struct Established {
    /// `get_ref().1.peer_certificates()` is the peer's chain, its own certificate first.
    pub stream: TlsStream<ReadAhead<TcpStream>>,
    pub peer: SocketAddr,
    pub slot: Slot,
}

/// The connections of `acceptor` once they are established, each with the certificates that are
/// the newest when it comes. Ends after `shutdown`.
pub fn incoming(
    acceptor: Acceptor,
    certificates: Certificates,
    tasks: &TaskTracker,
    shutdown: &CancellationToken,
) -> impl Stream<Item = Established> + Send + Unpin + use<> {
    let (established, mut waiting) = mpsc::channel(WAITING_CONNECTIONS);
    let (tracker, shutdown) = (tasks.clone(), shutdown.clone());
    tasks.spawn(async move {
        let handle = |connection| {
            let (certificates, established) = (certificates.clone(), established.clone());
            let end = shutdown.clone();
            async move {
                let establish = establish(connection, &certificates, &established);
                end.run_until_cancelled(establish).await.unwrap_or_default();
            }
        };
        acceptor.serve(&tracker, &shutdown, handle).await;
    });
    stream::poll_fn(move |context| waiting.poll_recv(context))
}

async fn establish(
    connection: Connection,
    certificates: &Certificates,
    established: &mpsc::Sender<Established>,
) {
    let peer = connection.peer;
    match timeout(HANDSHAKE_DEADLINE, handshake(connection, certificates)).await {
        Ok(Ok(connection)) => {
            // An error says that nobody takes connections any more.
            let _ = established.send(connection).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, %peer, "a TLS handshake failed"),
        Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
    }
}

async fn handshake(
    Connection { stream, peer, slot }: Connection,
    certificates: &Certificates,
) -> io::Result<Established> {
    let stream = accept(stream, &slot, certificates.server()).await?;
    slot.authenticated().map_err(io::Error::other)?;
    Ok(Established { stream, peer, slot })
}

/// The server's side of a handshake, until `slot` is evicted. The caller bounds its time.
pub async fn accept(
    stream: TcpStream,
    slot: &Slot,
    config: Arc<ServerConfig>,
) -> io::Result<TlsStream<ReadAhead<TcpStream>>> {
    tokio::select! {
        biased;
        () = slot.evicted() => Err(io::Error::other(Evicted)),
        stream = TlsAcceptor::from(config).accept(ReadAhead::new(stream)) => stream,
    }
}

#[cfg(test)]
mod tests;
