//! The network as git's blocking protocol needs it: every wait has an end.

use std::{
    future::Future,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use hyper_util::client::proxy::matcher::Matcher;
use rustls::ClientConfig;
use tokio::{net::TcpStream, runtime::Runtime, time::timeout};
use tokio_util::task::TaskTracker;

use super::error::GitError;

/// For the name, for the connection, and for each handshake on it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

pub(super) struct Net {
    runtime: Runtime,
    /// Connections, each driven by a task.
    pub(super) tasks: TaskTracker,
    pub(super) tls: Arc<ClientConfig>,
    /// The longest silence of a server. Git's own sends a sign of life every 5 s while it packs.
    pub(super) stall: Duration,
    /// By the usual variables, upper or lower case.
    pub(super) proxies: Matcher,
}

impl Net {
    pub(super) fn new(tls: Arc<ClientConfig>, stall: Duration) -> io::Result<Self> {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (tasks, proxies) = (TaskTracker::new(), Matcher::from_env());
        Ok(Self { runtime, tasks, tls, stall, proxies })
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Drives a connection until it ends.
    pub(super) fn spawn(&self, connection: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_on(connection, self.runtime.handle());
    }
}

/// The first of a host's addresses that answers.
pub(super) async fn tcp(host: &str, port: u16) -> Result<TcpStream, GitError> {
    let unresolved = |source| GitError::Resolve { host: host.to_owned(), source };
    let addresses = within(CONNECT_TIMEOUT, tokio::net::lookup_host((host, port)));
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses.await.map_err(unresolved)? {
        match within(CONNECT_TIMEOUT, TcpStream::connect(address)).await {
            Ok(stream) => {
                // Requests are small, and each waits for its answer.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(GitError::Unreachable { host: format!("{host}:{port}"), source: last })
}

pub(super) async fn within<T>(
    span: Duration,
    work: impl Future<Output = io::Result<T>>,
) -> io::Result<T> {
    timeout(span, work).await.unwrap_or_else(|_| Err(silence(span)))
}

pub(super) fn silence(span: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("no answer for {} s", span.as_secs()))
}

/// The reason of a failure, kept aside while the protocol's layers wrap it into their own words.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<GitError>>>);

impl Failure {
    /// Keeps the first error, and returns one for the layers above.
    pub(super) fn keep(&self, error: GitError) -> io::Error {
        let wrapped = io::Error::other(error.to_string());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        wrapped
    }

    pub(super) fn take(&self) -> Option<GitError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
