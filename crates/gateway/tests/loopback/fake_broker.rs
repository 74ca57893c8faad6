//! A fake of the terminal broker: it speaks the real protocol, has no terminal,
//! and does what the test says.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt};
use terminal_proto::v1::{
    AgentReference, AttachRequest, AttachResponse, CloseReason, CloseSessionRequest,
    CloseSessionResponse, Closed, ListSessionsRequest, ListSessionsResponse, Open, Opened,
    attach_request::Request as Asked,
    attach_response::Response as Told,
    terminal_broker_server::{TerminalBroker, TerminalBrokerServer},
};
use tokio::{net::TcpListener, sync::mpsc, time::timeout};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::task::TaskTracker;
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Server, ServerTlsConfig},
};

const PATIENCE: Duration = Duration::from_secs(10);
/// Input that may be under way to the fake on one stream.
const WINDOW_BYTES: u32 = 64 * 1024;
/// Output that nobody takes for this long is stalled.
const STALL: Duration = Duration::from_millis(200);

/// One viewer as the broker sees it, in the hands of the test.
pub(crate) struct Attached {
    pub(crate) open: Open,
    asked: mpsc::Receiver<Asked>,
    told: mpsc::Sender<Result<AttachResponse, Status>>,
}

impl Attached {
    /// The gateway's next request.
    pub(crate) async fn asked(&mut self) -> Asked {
        let asked = timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("the gateway asked nothing").expect("the gateway went away")
    }

    /// Waits until the gateway has ended the stream.
    pub(crate) async fn abandoned(&mut self) {
        let ended = async { while self.asked.recv().await.is_some() {} };
        timeout(PATIENCE, ended).await.expect("the gateway holds on to the stream");
    }

    pub(crate) async fn open(&self) {
        let agent = AgentReference { namespace: "team-a".into(), name: "demo".into() };
        let opened = Opened { session_id: "session-1".into(), agent: Some(agent) };
        self.tell(Told::Opened(opened)).await;
    }

    pub(crate) async fn output(&self, bytes: impl Into<Bytes>) {
        self.tell(Told::Output(bytes.into())).await;
    }

    /// Sends `piece` again and again until nobody takes it any more; how often.
    pub(crate) async fn output_until_stalled(&self, piece: &Bytes) -> usize {
        let mut taken = 0;
        while timeout(STALL, self.output(piece.clone())).await.is_ok() {
            taken += 1;
        }
        taken
    }

    pub(crate) async fn close(&self, reason: CloseReason, message: &str, exit_code: Option<i32>) {
        let closed = Closed { reason: reason.into(), message: message.into(), exit_code };
        self.tell(Told::Closed(closed)).await;
    }

    async fn tell(&self, response: Told) {
        let response = Ok(AttachResponse { response: Some(response) });
        self.told.send(response).await.expect("the gateway went away");
    }
}

/// What the fake does with the next viewers.
#[derive(Clone)]
struct Fake {
    attached: mpsc::Sender<Attached>,
    refusal: Arc<Mutex<Option<Status>>>,
    tasks: TaskTracker,
}

/// A running fake. Dropping it kills it: connections break without a word.
pub(crate) struct FakeBroker {
    pub(crate) address: SocketAddr,
    attached: mpsc::Receiver<Attached>,
    refusal: Arc<Mutex<Option<Status>>>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeBroker {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    pub(crate) fn start_at(address: SocketAddr) -> Self {
        Self::launch(address, None)
    }

    /// One that asks its callers for a certificate.
    pub(crate) fn start_with(tls: ServerTlsConfig) -> Self {
        Self::launch("127.0.0.1:0".parse().unwrap(), Some(tls))
    }

    /// On a runtime of its own, since a killed process leaves nothing running.
    fn launch(address: SocketAddr, tls: Option<ServerTlsConfig>) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();

        let (sender, attached) = mpsc::channel(16);
        let refusal: Arc<Mutex<Option<Status>>> = Arc::default();
        let tasks = TaskTracker::new();
        let fake = Fake { attached: sender, refusal: refusal.clone(), tasks: tasks.clone() };
        tasks.spawn_on(
            async move {
                let connections = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
                let service = TerminalBrokerServer::new(fake);
                let mut server = Server::builder().initial_stream_window_size(WINDOW_BYTES);
                if let Some(tls) = tls {
                    server = server.tls_config(tls).unwrap();
                }
                let ended = server.add_service(service).serve_with_incoming(connections);
                ended.await.unwrap();
            },
            runtime.handle(),
        );
        Self { address, attached, refusal, runtime: Some(runtime) }
    }

    /// The next viewer that the gateway brings.
    pub(crate) async fn attached(&mut self) -> Attached {
        let attached = timeout(PATIENCE, self.attached.recv()).await;
        attached.expect("no viewer came").expect("the fake is dead")
    }

    /// From now on viewers are refused so.
    pub(crate) fn refuse(&self, status: Status) {
        *self.refusal.lock().unwrap() = Some(status);
    }
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[tonic::async_trait]
impl TerminalBroker for Fake {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<AttachResponse, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        if let Some(refusal) = self.refusal.lock().unwrap().clone() {
            return Err(refusal);
        }
        let mut requests = request.into_inner();
        let Some(Asked::Open(open)) = requests.message().await?.and_then(|first| first.request)
        else {
            return Err(Status::invalid_argument("the first request must be open"));
        };
        // It reads no further ahead of the test than this, in requests.
        let (forward, asked) = mpsc::channel(1);
        let (told, responses) = mpsc::channel(16);
        self.tasks.spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                let Some(request) = request.request else { continue };
                if forward.send(request).await.is_err() {
                    return;
                }
            }
        });
        let viewer = Attached { open, asked, told };
        self.attached.send(viewer).await.map_err(|_| Status::internal("the test is over"))?;
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn list_sessions(
        &self,
        _request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        Err(Status::unimplemented("a fake"))
    }

    async fn close_session(
        &self,
        _request: Request<CloseSessionRequest>,
    ) -> Result<Response<CloseSessionResponse>, Status> {
        Err(Status::unimplemented("a fake"))
    }
}
