//! A whole broker on loopback: certificates made for the test, links without a watch, and the fake pod.

use std::{sync::Arc, time::Duration};

use api_types::{Agent, AgentId, Target};
use clap::Parser;
use daemon::{Daemon, cluster, tls::Certificates};
use fixtures::{Authority, demo, published, token};
use futures::{FutureExt, future::BoxFuture};
use kube::Config;
use share::Links;
use tempfile::TempDir;
use terminal_broker::{
    Args, PROGRAM, Parts, serve,
    target::{FindError, FindPod},
};
use terminal_proto::v1::{
    AttachRequest, AttachResponse, Closed, ListSessionsRequest, Open, Opened, Resumed, Size,
    WatchActivityRequest, WatchActivityResponse, attach_request::Request,
    attach_response::Response, terminal_broker_client::TerminalBrokerClient,
    watch_activity_response::Event,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Status, Streaming,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};

use crate::pod::{Pods, V5};

pub(crate) type Client = TerminalBrokerClient<Channel>;

/// Longer than anything here takes; a test that waits for more has failed.
const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) async fn soon<T>(limit: Duration, what: impl Future<Output = T>) -> T {
    timeout(limit, what).await.expect("in time")
}

/// Every agent has a pod of its own name.
struct SomePod;

impl FindPod for SomePod {
    fn find<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Target, FindError>> {
        let target =
            Target { namespace: agent.namespace.clone(), pod: agent.name.clone(), port: 4096 };
        async move { Ok(target) }.boxed()
    }
}

/// One more agent, open to anybody with `token(number)`.
pub(crate) fn agent(number: u8) -> Agent {
    let uid = format!("uid-{number}");
    fixtures::agent(&format!("agent-{number}"), &uid, published(number, &uid))
}

/// A broker that serves, and what it stands on.
pub(crate) struct TestBroker {
    pub(crate) links: Links,
    pub(crate) pods: Pods,
    pub(crate) daemon: Daemon,
    pub(crate) authority: Authority,
    pub(crate) url: String,
    _folder: TempDir,
}

impl TestBroker {
    /// With [`demo`] and agent 2, and execs over v5.
    pub(crate) async fn start() -> Self {
        Self::start_with(Links::with([demo(), agent(2)]), V5, &[]).await
    }

    pub(crate) async fn start_with(links: Links, protocol: &'static str, flags: &[&str]) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authority = Authority::generate();
        let folder = authority.folder("kubeopencode-terminal-broker");
        // A terminal for each session, as long as a test does not say otherwise: a screen that nobody shares says less.
        let shared = flags.iter().any(|flag| flag.starts_with("--screen-idle"));
        let own = if shared { None } else { Some(&"--screen-idle=0s") };
        let args = Args::parse_from(["terminal-broker"].iter().chain(own).chain(flags));
        let daemon = Daemon::new(PROGRAM);
        let pods = Pods::listen(protocol).await;
        let acceptor = daemon.listen("grpc", "127.0.0.1:0".parse().unwrap(), 16).await.unwrap();
        let url = format!("https://{}", acceptor.local_address());
        let config = Config::new(pods.url.parse().unwrap());
        let (certificates, _) = Certificates::load(folder.path()).await.unwrap();
        let parts = Parts {
            exec: cluster::acting(&config, &daemon.metrics).unwrap(),
            client: cluster::watching(&config, &daemon.metrics).unwrap(),
            pods: Arc::new(SomePod),
            links: links.clone(),
            acceptor,
            certificates,
        };
        let served = daemon.clone();
        daemon.tasks.spawn(async move { serve(&args, served, parts).await.unwrap() });
        Self { links, pods, daemon, authority, url, _folder: folder }
    }

    /// A channel as the gateway makes it.
    pub(crate) async fn channel(&self) -> Channel {
        self.channel_of("kubeopencode-server").await
    }

    /// A channel of a caller whose certificate has that name.
    async fn channel_of(&self, name: &str) -> Channel {
        let (certificate, key) = self.authority.issue(name);
        let tls = self.tls().identity(Identity::from_pem(certificate, key));
        self.channel_with(tls).await.unwrap()
    }

    /// What every caller knows: whom it wants to talk to.
    pub(crate) fn tls(&self) -> ClientTlsConfig {
        ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .domain_name("kubeopencode-terminal-broker")
    }

    pub(crate) async fn channel_with(
        &self,
        tls: ClientTlsConfig,
    ) -> Result<Channel, tonic::transport::Error> {
        Endpoint::from_shared(self.url.clone())?.tls_config(tls)?.connect().await
    }

    pub(crate) async fn client(&self) -> Client {
        Client::new(self.channel().await)
    }

    pub(crate) async fn operator(&self) -> Client {
        Client::new(self.channel_of("kubeopencode-operator").await)
    }

    pub(crate) async fn controller(&self) -> Client {
        Client::new(self.channel_of("kubeopencode-controller").await)
    }

    /// A controller whose connection takes next to nothing while it does not read.
    pub(crate) async fn slow_controller(&self) -> Client {
        let (certificate, key) = self.authority.issue("kubeopencode-controller");
        let tls = self.tls().identity(Identity::from_pem(certificate, key));
        let endpoint = Endpoint::from_shared(self.url.clone()).unwrap();
        let endpoint = endpoint.initial_stream_window_size(64).tls_config(tls).unwrap();
        Client::new(endpoint.connect().await.unwrap())
    }

    /// A controller's watch, its snapshot read.
    pub(crate) async fn watch(&self) -> Watch {
        let mut watch = Watch::begin(self.controller().await).await.unwrap();
        let Event::Snapshot(_) = watch.next().await else { panic!("no snapshot") };
        watch
    }

    /// Waits until only so many sessions are listed.
    pub(crate) async fn only(&self, sessions: usize) {
        let mut operator = self.operator().await;
        let gone = async {
            loop {
                let listed = operator.list_sessions(ListSessionsRequest::default()).await.unwrap();
                if listed.into_inner().sessions.len() <= sessions {
                    return;
                }
            }
        };
        soon(PATIENCE, gone).await;
    }

    /// How many sessions are listed.
    pub(crate) async fn sessions(&self) -> usize {
        let mut operator = self.operator().await;
        let listed = operator.list_sessions(ListSessionsRequest::default()).await.unwrap();
        listed.into_inner().sessions.len()
    }

    /// Opens a terminal of [`demo`], or is told why not.
    pub(crate) async fn attach(&self, open: Open) -> Result<Viewer, Status> {
        Viewer::attach(self.client().await, open).await
    }
}

/// The opening of a viewer with the token of [`demo`].
pub(crate) fn open() -> Open {
    Open {
        token: token(1).expose().to_owned(),
        client_address: "203.0.113.9".to_owned(),
        size: Some(Size { columns: 120, rows: 40 }),
        window_bytes: 0,
        accepts_lz4: false,
        join: None,
    }
}

/// One controller's watch.
pub(crate) struct Watch(Streaming<WatchActivityResponse>);

impl Watch {
    pub(crate) async fn begin(mut client: Client) -> Result<Self, Status> {
        let watch = soon(PATIENCE, client.watch_activity(WatchActivityRequest {})).await?;
        Ok(Self(watch.into_inner()))
    }

    pub(crate) async fn next(&mut self) -> Event {
        self.end_or_next().await.unwrap().expect("the watch goes on")
    }

    pub(crate) async fn end_or_next(&mut self) -> Result<Option<Event>, Status> {
        let response = soon(PATIENCE, self.0.message()).await?;
        Ok(response.map(|response| response.event.unwrap()))
    }
}

/// One viewer, as the gateway is one to the broker.
pub(crate) struct Viewer {
    pub(crate) requests: mpsc::Sender<AttachRequest>,
    pub(crate) responses: Streaming<AttachResponse>,
    pub(crate) session_id: String,
    pub(crate) input_window_bytes: u32,
    pub(crate) resumed: Option<Resumed>,
}

impl Viewer {
    pub(crate) async fn attach(mut client: Client, open: Open) -> Result<Self, Status> {
        let (requests, stream) = mpsc::channel(16);
        let open = AttachRequest { request: Some(Request::Open(open)) };
        requests.send(open).await.unwrap();
        let attached = soon(PATIENCE, client.attach(ReceiverStream::new(stream))).await;
        let mut responses = attached?.into_inner();
        let opened = soon(PATIENCE, responses.message()).await?.unwrap().response;
        let Some(Response::Opened(opened)) = opened else { panic!("{opened:?} before opened") };
        let Opened { session_id, input_window_bytes, resumed, .. } = opened;
        Ok(Self { requests, responses, session_id, input_window_bytes, resumed })
    }

    pub(crate) async fn send(&self, request: Request) {
        self.requests.send(AttachRequest { request: Some(request) }).await.unwrap();
    }

    /// A request of a kind that only a newer gateway knows.
    pub(crate) async fn send_unknown(&self) {
        self.requests.send(AttachRequest { request: None }).await.unwrap();
    }

    /// Ends the request stream, and listens on.
    pub(crate) fn end_requests(&mut self) {
        self.requests = mpsc::channel(1).0;
    }

    pub(crate) async fn next(&mut self) -> Response {
        let response = soon(PATIENCE, self.responses.message()).await.unwrap();
        response.expect("the stream goes on").response.unwrap()
    }

    /// The next thing said, which must be credit for input.
    pub(crate) async fn input_credit(&mut self) -> u32 {
        let Response::InputCredit(bytes) = self.next().await else { panic!("no credit") };
        bytes
    }

    /// Exactly `wanted` bytes of output, without an acknowledgement.
    pub(crate) async fn output(&mut self, wanted: usize) -> Vec<u8> {
        let mut seen = Vec::new();
        while seen.len() < wanted {
            let Response::Output(bytes) = self.next().await else { panic!("closed too early") };
            seen.extend_from_slice(&bytes);
        }
        assert_eq!(seen.len(), wanted);
        seen
    }

    /// The end, which must be the next thing said, and after which nothing may come.
    pub(crate) async fn closed(&mut self) -> Closed {
        let Response::Closed(closed) = self.next().await else { panic!("more output") };
        assert!(soon(PATIENCE, self.responses.message()).await.unwrap().is_none());
        closed
    }
}
