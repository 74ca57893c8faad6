//! A fake of the terminal broker: it speaks the real protocol, has no terminal, and does what the
//! test says.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use terminal_proto::v1::{
    AgentReference, AttachRequest, AttachResponse, CloseReason, CloseSessionRequest,
    CloseSessionResponse, Closed, HangUp, ListSessionsRequest, ListSessionsResponse, Open, Opened,
    OutputPosition, Resumed, WakeRequest, WakeResponse, WatchActivityRequest,
    WatchActivityResponse,
    attach_request::Request as Asked,
    attach_response::Response as Told,
    terminal_broker_server::{TerminalBroker, TerminalBrokerServer},
};
use tokio::{
    net::TcpListener,
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tokio_util::task::TaskTracker;
use tonic::{Request, Response, Status, Streaming, transport::Server};

const PATIENCE: Duration = Duration::from_secs(10);
/// Input that may be under way, in bytes.
pub(crate) const INPUT_WINDOW_BYTES: u32 = 64 * 1024;
/// Output that nobody takes for this long is stalled.
const STALL: Duration = Duration::from_millis(200);

/// A visitor who wakes an agent, in the hands of the test.
pub(crate) struct Asking {
    pub(crate) request: WakeRequest,
    answer: oneshot::Sender<Result<(), Status>>,
}

impl Asking {
    pub(crate) fn answer(self, answer: Result<(), Status>) {
        // The gateway may have given up.
        let _ = self.answer.send(answer);
    }
}

/// One viewer as the broker sees it, in the hands of the test.
pub(crate) struct Attached {
    pub(crate) open: Open,
    asked: mpsc::Receiver<Asked>,
    told: mpsc::Sender<Result<AttachResponse, Status>>,
}

impl Attached {
    /// The input that comes until there are `bytes` of it.
    pub(crate) async fn input(&mut self, bytes: usize) -> String {
        let mut input = Vec::new();
        while input.len() < bytes {
            match self.asked().await {
                Asked::Input(piece) => input.extend_from_slice(&piece),
                Asked::Ack(_) => {}
                other => panic!("not input: {other:?}"),
            }
        }
        String::from_utf8(input).unwrap()
    }

    /// Whether the gateway has asked nothing.
    pub(crate) fn is_idle(&mut self) -> bool {
        matches!(self.asked.try_recv(), Err(mpsc::error::TryRecvError::Empty))
    }

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

    /// Waits until the gateway says that it has cut its viewer.
    pub(crate) async fn hung_up(&mut self) {
        while self.asked().await != Asked::HangUp(HangUp {}) {}
    }

    pub(crate) async fn open(&self) {
        self.resume(None).await;
    }

    /// Opens a terminal that can be resumed, where there is something to say of that.
    pub(crate) async fn resume(&self, resumed: Option<Resumed>) {
        let agent = AgentReference { namespace: "team-a".into(), name: "demo".into() };
        let opened = Opened {
            session_id: "session-1".into(),
            agent: Some(agent),
            input_window_bytes: INPUT_WINDOW_BYTES,
            resumed,
        };
        self.tell(Told::Opened(opened)).await;
    }

    /// Gives input back, as if the program had taken it.
    pub(crate) async fn credit(&self, bytes: u32) {
        self.tell(Told::InputCredit(bytes)).await;
    }

    pub(crate) async fn output(&self, bytes: impl Into<Bytes>) {
        self.tell(Told::Output(bytes.into())).await;
    }

    pub(crate) async fn position(&self, position: u64, screen_bytes: u32) {
        self.tell(Told::Position(OutputPosition { position, screen_bytes })).await;
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
        let (reason, message) = (reason.into(), message.into());
        let closed = Closed { reason, message, exit_code, category: String::new() };
        self.tell(Told::Closed(closed)).await;
    }

    async fn tell(&self, response: Told) {
        let response = Ok(AttachResponse { response: Some(response) });
        self.told.send(response).await.expect("the gateway went away");
    }
}

type Refusals = Arc<Mutex<Vec<Status>>>;

/// What the fake does with the next viewers.
#[derive(Clone)]
struct Fake {
    attached: mpsc::Sender<Attached>,
    woken: mpsc::Sender<Asking>,
    refusals: Refusals,
    tasks: TaskTracker,
}

/// A running fake. Dropping it kills it: connections break without a word.
pub(crate) struct FakeBroker {
    pub(crate) address: SocketAddr,
    attached: mpsc::Receiver<Attached>,
    asked: mpsc::Receiver<Asking>,
    refusals: Refusals,
    runtime: Option<tokio::runtime::Runtime>,
}

impl FakeBroker {
    pub(crate) fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap())
    }

    /// On a runtime of its own, since a killed process leaves nothing running.
    pub(crate) fn start_at(address: SocketAddr) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();

        let (sender, attached) = mpsc::channel(16);
        let (woken, asked) = mpsc::channel(16);
        let refusals = Refusals::default();
        let tasks = TaskTracker::new();
        let fake =
            Fake { attached: sender, woken, refusals: refusals.clone(), tasks: tasks.clone() };
        tasks.spawn_on(
            async move {
                let connections = TcpListenerStream::new(TcpListener::from_std(listener).unwrap());
                let service = TerminalBrokerServer::new(fake);
                let server = Server::builder().add_service(service);
                server.serve_with_incoming(connections).await.unwrap();
            },
            runtime.handle(),
        );
        Self { address, attached, asked, refusals, runtime: Some(runtime) }
    }

    /// The next viewer that the gateway brings.
    pub(crate) async fn attached(&mut self) -> Attached {
        let attached = timeout(PATIENCE, self.attached.recv()).await;
        attached.expect("no viewer came").expect("the fake is dead")
    }

    /// The next visitor who wakes an agent.
    pub(crate) async fn asked(&mut self) -> Asking {
        let asked = timeout(PATIENCE, self.asked.recv()).await;
        asked.expect("nobody asked").expect("the fake is dead")
    }

    /// Whether nobody wakes an agent.
    pub(crate) fn is_unasked(&mut self) -> bool {
        matches!(self.asked.try_recv(), Err(mpsc::error::TryRecvError::Empty))
    }

    /// The next `count` viewers are refused so.
    pub(crate) fn refuse(&self, count: usize, status: &Status) {
        self.refusals.lock().unwrap().extend(vec![status.clone(); count]);
    }

    /// How many of these were not needed.
    pub(crate) fn refusals_left(&self) -> usize {
        self.refusals.lock().unwrap().len()
    }
}

impl Drop for FakeBroker {
    fn drop(&mut self) {
        // In a thread of its own, where waiting is allowed: its address is free afterwards.
        let runtime = self.runtime.take();
        std::thread::spawn(|| drop(runtime)).join().unwrap();
    }
}

#[tonic::async_trait]
impl TerminalBroker for Fake {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<AttachResponse, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        if let Some(refusal) = self.refusals.lock().unwrap().pop() {
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

    async fn wake(&self, request: Request<WakeRequest>) -> Result<Response<WakeResponse>, Status> {
        let (answer, answered) = oneshot::channel();
        let asked = Asking { request: request.into_inner(), answer };
        self.woken.send(asked).await.map_err(|_| Status::internal("the test is over"))?;
        let answered = answered.await.map_err(|_| Status::internal("the test is over"))?;
        answered.map(|()| Response::new(WakeResponse {}))
    }

    type WatchActivityStream = stream::Empty<Result<WatchActivityResponse, Status>>;

    async fn watch_activity(
        &self,
        _: Request<WatchActivityRequest>,
    ) -> Result<Response<Self::WatchActivityStream>, Status> {
        Err(Status::unimplemented("a fake"))
    }
}
