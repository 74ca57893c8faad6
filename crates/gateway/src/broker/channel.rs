//! One HTTP/2 connection to one replica, for calls of `Attach` and `Wake`. It is not tonic's own channel, whose worker task and reconnecting serve nobody here: the pool connects,
//! and has to know when a connection is gone.

use std::net::SocketAddr;

use daemon::dial::{self, DialError, Handshake, KEEP_ALIVE_INTERVAL, KEEP_ALIVE_TIMEOUT, Peer};
use http::{Request, Uri};
use hyper::{
    body::Incoming,
    client::conn::http2::{Builder, SendRequest},
    rt::Executor,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use screen_wire::OUTPUT_WINDOW_BYTES;
use terminal_proto::{
    Messages, attach,
    v1::{AttachResponse, WakeRequest, terminal_broker_client::TerminalBrokerClient},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{mpsc, oneshot},
};
use tokio_util::task::TaskTracker;
use tonic::{Status, body::Body};
use tower::service_fn;

/// Output that may be under way on one stream, in bytes: the terminal's own window, so that this
/// one never holds anything up.
#[expect(clippy::cast_possible_truncation, reason = "some hundred KiB")]
const STREAM_WINDOW_BYTES: u32 = OUTPUT_WINDOW_BYTES as u32;
/// The most of one frame of HTTP/2, in bytes: a whole message, so that it is not gathered anew.
const FRAME_BYTES_MAX: u32 = 128 * 1024;
/// On all streams together, in bytes: 1000 viewers that stall hold up no other.
const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024 * 1024;
/// Input that may wait to be sent on one stream, in bytes; the protocol allows no more.
const SEND_BUFFER_BYTES: usize = 64 * 1024;

/// Openings that may wait at once to hear whether a connection is good.
const WAITING_PROBES: usize = 16;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error("cannot begin HTTP/2")]
    Http2(#[source] hyper::Error),
}

/// Makes connections.
pub(super) struct Connector {
    /// Nothing is encrypted without.
    pub(super) peer: Option<Peer>,
    pub(super) tasks: TaskTracker,
}

impl Connector {
    /// What a connection would show and trust now.
    pub(super) fn handshake(&self) -> Option<Handshake> {
        self.peer.as_ref().map(Peer::handshake)
    }

    /// Connects to `address` with `handshake`.
    pub(super) fn connect(
        &self,
        address: SocketAddr,
        handshake: Option<Handshake>,
    ) -> impl Future<Output = Result<Channel, ConnectError>> + Send + use<> {
        let tasks = self.tasks.clone();
        async move { http2(dial::connect(address, handshake).await?, tasks).await }
    }
}

async fn http2<Io>(io: Io, tasks: TaskTracker) -> Result<Channel, ConnectError>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (requests, connection) = Builder::new(Tracked(tasks.clone()))
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .keep_alive_while_idle(true)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .max_send_buf_size(SEND_BUFFER_BYTES)
        .handshake(TokioIo::new(io))
        .await
        .map_err(ConnectError::Http2)?;
    let (probes, waiting) = mpsc::channel(WAITING_PROBES);
    tasks.spawn(run(connection, waiting));
    Ok(Channel { requests, probes })
}

/// Runs a connection until its end, and answers probes meanwhile.
async fn run(
    connection: impl Future<Output = hyper::Result<()>>,
    mut probes: mpsc::Receiver<oneshot::Sender<()>>,
) {
    tokio::pin!(connection);
    loop {
        let answer = tokio::select! {
            // A GOAWAY wakes nobody. So the connection is polled before a probe is answered: only
            // then it notices.
            biased;
            ended = &mut connection => {
                return tracing::debug!(?ended, "a connection to a broker ended");
            }
            Some(answer) = probes.recv() => answer,
        };
        // Who asked may have left.
        let _ = answer.send(());
    }
}

/// Runs hyper's tasks: one for the connection, and one for each stream's requests.
#[derive(Clone)]
struct Tracked(TaskTracker);

impl<F> Executor<F> for Tracked
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// A connection. It is closed once the last clone is dropped and its last stream has ended.
#[derive(Clone, Debug)]
pub(super) struct Channel {
    requests: SendRequest<Body>,
    probes: mpsc::Sender<oneshot::Sender<()>>,
}

impl Channel {
    /// Whether it is known that no further stream can be opened.
    pub(super) fn is_closed(&self) -> bool {
        self.requests.is_closed()
    }

    /// Whether no further stream can be opened, the broker's GOAWAY having come.
    pub(super) async fn is_going_away(&self) -> bool {
        let (answer, alive) = oneshot::channel();
        self.probes.send(answer).await.is_err() || alive.await.is_err()
    }

    /// Sends a call of `Attach`; what the broker says follows. A status with a source is the
    /// connection's own, not the broker's.
    pub(super) async fn attach(
        mut self,
        call: Request<Body>,
    ) -> Result<Messages<AttachResponse, Incoming>, Status> {
        let answered = self.requests.send_request(call).await;
        attach::responses(answered.map_err(|error| Status::from_error(error.into()))?)
    }

    /// Calls `Wake` of the server at `origin`; for the status the same holds.
    pub(super) async fn wake(
        self,
        origin: Uri,
        request: tonic::Request<WakeRequest>,
    ) -> Result<(), Status> {
        let requests = self.requests;
        let calls = service_fn(move |call| requests.clone().send_request(call));
        TerminalBrokerClient::with_origin(calls, origin).wake(request).await.map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use tokio::{io::AsyncReadExt, net::TcpListener, time::Instant};

    use super::*;

    #[tokio::test]
    async fn a_connection_that_nobody_uses_is_closed() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let connector = Connector { peer: None, tasks: TaskTracker::new() };
        let channel = connector.connect(listener.local_addr().unwrap(), None).await.unwrap();
        let (mut accepted, _) = listener.accept().await.unwrap();

        let dropped_at = Instant::now();
        drop(channel);
        accepted.read_to_end(&mut Vec::new()).await.unwrap();
        assert!(dropped_at.elapsed() < KEEP_ALIVE_INTERVAL, "closed as the peer is silent");
        connector.tasks.close();
        connector.tasks.wait().await;
    }
}
