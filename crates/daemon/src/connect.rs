//! Accepting TCP connections: always, and fairly. Connections whose client has not shown yet who
//! it is are bounded; one too many costs the client that has the most of them one, so that
//! nobody keeps others out. It knows no protocol.

use std::{
    future::Future,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    DaemonError,
    ledger::{Activity, Id, Ledger},
    metrics::ListenerMetrics,
    socket,
};

/// How long to wait after a failed accept: the usual cause is a lack of file descriptors, which
/// passes when some connection ends.
const ACCEPT_RETRY: Duration = Duration::from_millis(200);

/// A listening socket.
#[derive(Debug)]
pub struct Acceptor {
    listener: TcpListener,
    address: SocketAddr,
    places: Places,
    metrics: ListenerMetrics,
}

/// The connections that are not authenticated yet, each with its order to close.
type Places = Arc<Mutex<Ledger<CancellationToken>>>;

/// One accepted connection, its socket configured. Keep `slot` for as long as the stream is in
/// use, and close the stream when the slot is evicted.
#[derive(Debug)]
pub struct Connection {
    pub stream: TcpStream,
    pub peer: SocketAddr,
    pub slot: Slot,
}

/// A connection's place among the open ones, free again when the last clone is dropped. It is
/// idle at first.
#[derive(Clone, Debug)]
pub struct Slot(Arc<Place>);

#[derive(Debug)]
struct Place {
    id: Id,
    places: Places,
    evicted: CancellationToken,
    authenticated: AtomicBool,
    metrics: ListenerMetrics,
}

/// The connection had to make room for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection was closed to make room for others")]
pub struct Evicted;

impl Slot {
    /// The connection is answering: it is evicted after its client's idle ones.
    pub fn busy(&self) {
        self.0.ledger(|ledger| ledger.set(self.0.id, Activity::Busy));
    }

    /// The connection is between two requests, or in the head of one.
    pub fn idle(&self) {
        self.0.ledger(|ledger| ledger.set(self.0.id, Activity::Idle));
    }

    /// The client has shown who it is: the connection is never evicted from now on, and counts
    /// no more. What bounds such connections is the caller's. Fails where it is too late.
    pub fn authenticated(&self) -> Result<(), Evicted> {
        match self.0.ledger(|ledger| ledger.close(self.0.id)) {
            Some(_) => {
                self.0.authenticated.store(true, Ordering::Relaxed);
                Ok(())
            }
            None if self.0.authenticated.load(Ordering::Relaxed) => Ok(()),
            None => Err(Evicted),
        }
    }

    /// Waits until the connection has to be closed at once. Cancel safe.
    pub async fn evicted(&self) {
        self.0.evicted.cancelled().await;
    }
}

impl Place {
    fn ledger<R>(&self, step: impl FnOnce(&mut Ledger<CancellationToken>) -> R) -> R {
        step(&mut self.places.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.ledger(|ledger| ledger.close(self.id));
        self.metrics.open.dec();
    }
}

impl Acceptor {
    /// Listens on `address`; port 0 picks a free one. At most `max_connections` (and at least
    /// one) are open without being authenticated.
    #[allow(clippy::unused_async, reason = "the socket joins the runtime that awaits this")]
    pub async fn bind(
        address: SocketAddr,
        max_connections: usize,
        metrics: ListenerMetrics,
    ) -> Result<Self, DaemonError> {
        let failed = |source| DaemonError::Listen { address, source };
        let listener = socket::listen(address).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let places = Arc::new(Mutex::new(Ledger::new(max_connections)));
        Ok(Self { listener, address, places, metrics })
    }

    /// The address in use, with the port that was picked.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection. Cancel safe.
    pub async fn accept(&self) -> Connection {
        loop {
            match self.listener.accept().await {
                Ok((stream, peer)) => match socket::configure(&stream) {
                    Ok(()) => return self.admit(stream, peer),
                    Err(error) => tracing::debug!(%error, "a connection ended at once"),
                },
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::warn!(%error, address = %self.address, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
    }

    fn admit(&self, stream: TcpStream, peer: SocketAddr) -> Connection {
        let evicted = CancellationToken::new();
        let (id, excess) = {
            let mut ledger = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            ledger.open(peer.ip().into(), evicted.clone())
        };
        if let Some(excess) = excess {
            excess.cancel();
            self.metrics.evictions.inc();
        }
        self.metrics.open.inc();
        let (places, metrics) = (Arc::clone(&self.places), self.metrics.clone());
        let place = Place { id, places, evicted, authenticated: AtomicBool::new(false), metrics };
        Connection { stream, peer, slot: Slot(Arc::new(place)) }
    }

    /// Hands each connection to `handle`, in a task of `tasks`, until `shutdown`; then the
    /// socket is closed at once, and the tasks go on. `handle` keeps the connection's slot, and
    /// ends the connection when that is evicted, or soon after the shutdown.
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

/// Errors of one connection that ended before it was accepted; the next accept may go well.
fn is_the_peers(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests;
