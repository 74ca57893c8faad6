//! Accepting TCP connections: no Nagle, a cap, and a count of the open ones. It
//! knows no protocol.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use prometheus_client::metrics::gauge::Gauge;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::DaemonError;

/// How long to wait after a failed accept: the usual cause is a lack of file
/// descriptors, which passes when some connection ends.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// A listening socket that holds at most a set number of connections; further
/// ones wait in the kernel's backlog.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    address: SocketAddr,
    /// In connections.
    slots: Arc<Semaphore>,
    open: Gauge,
}

/// One accepted connection. Keep `slot` for as long as the stream is in use.
#[derive(Debug)]
pub struct Connection {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub slot: Slot,
}

/// A connection's place among the open ones, free again when dropped.
#[derive(Debug)]
pub struct Slot {
    open: Gauge,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.open.dec();
    }
}

impl Acceptor {
    /// Listens on `address`; port 0 picks a free one. `open` counts the connections.
    pub async fn bind(
        address: SocketAddr,
        max_connections: usize,
        open: Gauge,
    ) -> Result<Self, DaemonError> {
        let failed = |source| DaemonError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, slots: Arc::new(Semaphore::new(max_connections)), open })
    }

    /// The address in use, with the port that was picked.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection, as soon as there is a slot for it. Cancel safe.
    pub async fn accept(&self) -> Connection {
        loop {
            match self.try_accept().await {
                Ok(connection) => return connection,
                Err(error) => {
                    tracing::warn!(%error, address = %self.address, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    async fn try_accept(&self) -> io::Result<Connection> {
        // Before accept: whom we cannot serve should not believe to be served.
        let permit = Arc::clone(&self.slots).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, peer) = self.listener.accept().await?;
        // A key stroke is one small segment; Nagle would hold it back for an ACK.
        stream.set_nodelay(true)?;
        self.open.inc();
        Ok(Connection { stream, peer, slot: Slot { open: self.open.clone(), _permit: permit } })
    }

    /// Hands each connection to `handle`, in a task of `tasks`, until `shutdown`;
    /// then the socket is closed at once, and the tasks go on. `handle` keeps the
    /// connection's slot, and ends the connection when asked to shut down.
    pub async fn serve<F, Fut>(self, tasks: &TaskTracker, shutdown: &CancellationToken, handle: F)
    where
        F: Fn(Connection) -> Fut,
        Fut: Future<Output = ()> + Send + 'static,
    {
        loop {
            let connection = tokio::select! {
                biased;
                () = shutdown.cancelled() => return,
                connection = self.accept() => connection,
            };
            tasks.spawn(handle(connection));
        }
    }
}

#[cfg(test)]
mod tests;
