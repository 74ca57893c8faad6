//! One HTTP/2 connection to one replica, for calls of `Attach` and `Wake`. It is not tonic's own channel, whose worker task and reconnecting serve nobody here: the pool connects,
//! and has to know when a connection is gone.

use std::{error::Error, io, iter, net::SocketAddr, sync::Arc, time::Duration};

use daemon::{ReadAhead, socket, tls::Certificates};
use futures::FutureExt;
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
    net::TcpStream,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, pki_types::ServerName},
};
use tokio_util::task::TaskTracker;
use tonic::{Status, body::Body};
use tower::service_fn;

/// A dead broker is noticed within the two together: 25 s.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(15);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long TCP and TLS may take together.
pub(super) const CONNECT_DEADLINE: Duration = Duration::from_secs(3);

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
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    #[error("the TLS handshake failed")]
    Tls(#[source] io::Error),
    #[error("the peer does not speak HTTP/2")]
    NoHttp2,
    #[error("cannot begin HTTP/2")]
    Http2(#[source] hyper::Error),
    #[error("not connected within {CONNECT_DEADLINE:?}")]
    Late,
}

impl ConnectError {
    /// The error with its causes, outermost first.
    pub(super) fn chain(&self) -> String {
        let causes = iter::successors(self.source(), |&cause| cause.source());
        causes.fold(self.to_string(), |text, cause| format!("{text}: {cause}"))
    }
}

/// Makes connections.
pub(super) struct Connector {
    /// Nothing is encrypted without.
    pub(super) tls: Option<Tls>,
    pub(super) tasks: TaskTracker,
}

pub(super) struct Tls {
    /// What a broker's certificate must be for, whatever its address.
    pub(super) name: ServerName<'static>,
    pub(super) certificates: Certificates,
}

impl Connector {
    /// What a connection would show and trust now.
    pub(super) fn config(&self) -> Option<Arc<ClientConfig>> {
        self.tls.as_ref().map(|tls| tls.certificates.client())
    }

    /// Connects to `address` with `config`.
    pub(super) fn connect(
        &self,
        address: SocketAddr,
        config: Option<Arc<ClientConfig>>,
    ) -> impl Future<Output = Result<Channel, ConnectError>> + Send + use<> {
        let name = self.tls.as_ref().map(|tls| tls.name.clone());
        let (security, tasks) = (config.zip(name), self.tasks.clone());
        let connected = async move {
            let tcp = dial(address).await.map_err(ConnectError::Connect)?;
            match security {
                None => http2(tcp, tasks).await,
                Some((config, name)) => http2(encrypt(tcp, config, name).await?, tasks).await,
            }
        };
        timeout(CONNECT_DEADLINE, connected)
            .map(|connected| connected.unwrap_or(Err(ConnectError::Late)))
    }
}

async fn dial(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    socket::configure(&stream)?;
    Ok(stream)
}

async fn encrypt(
    stream: TcpStream,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
) -> Result<TlsStream<ReadAhead<TcpStream>>, ConnectError> {
    let connecting = TlsConnector::from(config).connect(name, ReadAhead::new(stream));
    let stream = connecting.await.map_err(ConnectError::Tls)?;
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => Ok(stream),
        _ => Err(ConnectError::NoHttp2),
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
    pub(super) async fn wake(self, origin: Uri, request: WakeRequest) -> Result<(), Status> {
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
        let connector = Connector { tls: None, tasks: TaskTracker::new() };
        let channel = connector.connect(listener.local_addr().unwrap(), None).await.unwrap();
        let (mut accepted, _) = listener.accept().await.unwrap();

        let dropped_at = Instant::now();
        drop(channel);
        accepted.read_to_end(&mut Vec::new()).await.unwrap();
        assert!(dropped_at.elapsed() < KEEP_ALIVE_INTERVAL, "closed as the peer is silent");
        connector.tasks.close();
        connector.tasks.wait().await;
    }

    #[tokio::test]
    async fn an_error_names_its_cause() {
        let unused = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let connector = Connector { tls: None, tasks: TaskTracker::new() };
        let error = connector.connect(unused, None).await.unwrap_err().chain();
        assert!(error.starts_with("cannot connect: Connection refused"), "{error}");
    }
}
