//! Against a real gRPC server on the loopback, and an API server that lists its address.

use std::{net::SocketAddr, path::Path, time::Duration};

use daemon::clock;
use fixtures::Authority;
use serde_json::json;
use terminal_proto::v1::{
    ActivitySnapshot, AgentActivity, AgentIdentity, AttachRequest, AttachResponse,
    CloseSessionRequest, CloseSessionResponse, ListSessionsRequest, ListSessionsResponse,
    WakeRequest, WakeResponse, WatchActivityRequest, WatchActivityResponse,
    terminal_broker_server::{TerminalBroker, TerminalBrokerServer},
    watch_activity_response::Event,
};
use tokio::{
    net::TcpListener,
    sync::{Mutex, mpsc},
    time::timeout,
};
use tokio_stream::wrappers::{ReceiverStream, TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Certificate, Identity, Server, ServerTlsConfig},
};

use super::*;
use crate::{fake_api::FakeApi, metrics::Metrics};

/// The name in the broker's certificate.
const NAME: &str = "kubeopencode-terminal-broker";

type Events = mpsc::Receiver<Result<WatchActivityResponse, Status>>;
type Sender = mpsc::Sender<Result<WatchActivityResponse, Status>>;

/// A broker that answers one call after the other with what a test sends.
struct Broker(Mutex<mpsc::Receiver<Events>>);

#[tonic::async_trait]
impl TerminalBroker for Broker {
    type AttachStream = ReceiverStream<Result<AttachResponse, Status>>;
    type WatchActivityStream = ReceiverStream<Result<WatchActivityResponse, Status>>;

    async fn attach(
        &self,
        _: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn list_sessions(
        &self,
        _: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn close_session(
        &self,
        _: Request<CloseSessionRequest>,
    ) -> Result<Response<CloseSessionResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn wake(&self, _: Request<WakeRequest>) -> Result<Response<WakeResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn watch_activity(
        &self,
        _: Request<WatchActivityRequest>,
    ) -> Result<Response<Self::WatchActivityStream>, Status> {
        let events = self.0.lock().await.recv().await;
        events.map(|one| Response::new(ReceiverStream::new(one))).ok_or(Status::unavailable(""))
    }
}

/// A controller that listens to one broker.
struct TestListener {
    activities: Activities,
    calls: mpsc::Sender<Events>,
    /// Ends both with the test.
    _tasks: tokio::task::JoinSet<()>,
}

impl TestListener {
    /// `tls_dir` is the controller's.
    async fn new(tls: Option<ServerTlsConfig>, tls_dir: Option<&Path>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (calls, waiting) = mpsc::channel(4);
        let scheme = if tls.is_some() { "https" } else { "http" };
        let brokers = Brokers {
            url: format!("{scheme}://broker").parse().unwrap(),
            name: NAME.into(),
            namespace: "system".into(),
            tls_dir: tls_dir.map(ToOwned::to_owned),
        };
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let service = TerminalBrokerServer::new(Broker(Mutex::new(waiting)));
        let serve =
            server.add_service(service).serve_with_incoming(TcpListenerStream::new(listener));
        let activities = Activities::default();
        let (heard, client) = (activities.clone(), api(address).client("controller"));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(async { serve.await.unwrap() });
        tasks.spawn(async move { listen(heard, brokers, client, &Metrics::default()).await });
        Self { activities, calls, _tasks: tasks }
    }

    /// The next call of the controller.
    async fn call(&self) -> Sender {
        let (events, call) = mpsc::channel(8);
        self.calls.send(call).await.unwrap();
        events
    }

    async fn until(&self, what: &str, holds: impl Fn(View) -> bool) {
        let reached = async {
            while !holds(self.activities.view(&demo(), clock::now())) {
                self.activities.0.changed.notified().await;
            }
        };
        timeout(Duration::from_secs(20), reached).await.unwrap_or_else(|_| panic!("never {what}"));
    }
}

fn api(broker: SocketAddr) -> FakeApi {
    let api = FakeApi::default();
    let slice = json!({
        "metadata": { "name": "broker-1", "namespace": "system" },
        "addressType": "IPv4",
        "endpoints": [{ "addresses": [broker.ip().to_string()], "conditions": { "ready": true } }],
        "ports": [{ "name": "grpc", "port": broker.port() }],
    });
    api.put("endpointslices/broker-1", &slice);
    api
}

fn demo() -> AgentId {
    AgentId { namespace: "team-a".into(), name: "demo".into(), uid: "uid-1".into() }
}

fn identity() -> AgentIdentity {
    AgentIdentity { namespace: "team-a".into(), name: "demo".into(), uid: "uid-1".into() }
}

fn activity(terminals: u32) -> AgentActivity {
    AgentActivity { agent: Some(identity()), terminals }
}

async fn tell(call: &Sender, event: Event) {
    call.send(Ok(WatchActivityResponse { event: Some(event) })).await.unwrap();
}

async fn tell_snapshot(call: &Sender, agents: Vec<AgentActivity>) {
    tell(call, Event::Snapshot(ActivitySnapshot { agents })).await;
}

#[tokio::test]
async fn what_a_broker_tells_is_known_at_once() {
    let listener = TestListener::new(None, None).await;
    let call = listener.call().await;
    tell_snapshot(&call, vec![activity(2)]).await;
    listener.until("open", |view| view.activity == Activity::Open).await;
    tell(&call, Event::Activity(activity(0))).await;
    listener.until("closed", |view| matches!(view.activity, Activity::Closed(Some(_)))).await;
    tell(&call, Event::Wake(identity())).await;
    listener.until("woken", |view| view.wake.is_some()).await;

    drop(call);
    listener.until("unknown", |view| view.activity == Activity::Unknown).await;
    let call = listener.call().await;
    tell_snapshot(&call, vec![]).await;
    listener.until("known again", |view| view.activity != Activity::Unknown).await;
}

#[tokio::test]
async fn a_broker_that_does_not_begin_with_what_it_has_is_not_believed() {
    let listener = TestListener::new(None, None).await;
    let call = listener.call().await;
    tell(&call, Event::Activity(activity(1))).await;
    let refused = timeout(Duration::from_secs(20), call.closed()).await;
    refused.expect("the call is ended");
    let view = listener.activities.view(&demo(), clock::now());
    assert_eq!(view.activity, Activity::Unknown);
}

#[tokio::test]
async fn what_only_a_newer_broker_says_is_passed_over() {
    let listener = TestListener::new(None, None).await;
    let call = listener.call().await;
    call.send(Ok(WatchActivityResponse { event: None })).await.unwrap();
    tell_snapshot(&call, vec![]).await;
    call.send(Ok(WatchActivityResponse { event: None })).await.unwrap();
    tell(&call, Event::Activity(activity(1))).await;
    listener.until("open", |view| view.activity == Activity::Open).await;
}

#[tokio::test]
async fn a_broker_is_heard_to_which_certificates_are_shown() {
    let authority = Authority::generate();
    let (folder, (certificate, key)) = (authority.folder("controller"), authority.issue(NAME));
    let tls = ServerTlsConfig::new()
        .identity(Identity::from_pem(certificate, key))
        .client_ca_root(Certificate::from_pem(authority.pem()));
    let listener = TestListener::new(Some(tls), Some(folder.path())).await;
    let call = listener.call().await;
    tell_snapshot(&call, vec![activity(1)]).await;
    listener.until("open", |view| view.activity == Activity::Open).await;
}

#[tokio::test]
async fn without_certificates_it_is_said_that_nothing_can_be_heard() {
    let folder = tempfile::tempdir().unwrap();
    for tls_dir in [None, Some(folder.path())] {
        let brokers = Brokers {
            url: "https://broker".parse().unwrap(),
            name: NAME.into(),
            namespace: "system".into(),
            tls_dir: tls_dir.map(ToOwned::to_owned),
        };
        let activities = Activities::default();
        let (client, metrics) = (FakeApi::default().client("controller"), Metrics::default());
        let listening = listen(activities.clone(), brokers, client, &metrics);
        tokio::select! {
            () = listening => unreachable!("it waits for them"),
            told = timeout(Duration::from_secs(20), activities.0.changed.notified()) => told.unwrap(),
        }
        assert_eq!(activities.view(&demo(), clock::now()).hearing, Hearing::Impossible);
    }
}
