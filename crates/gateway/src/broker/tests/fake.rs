//! A fake of the terminal broker that speaks the real protocol, and names which are looked up
//! without DNS.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use futures::{FutureExt, Stream, StreamExt, future::pending, stream};
use terminal_proto::v1::{
    AttachRequest, AttachResponse, CloseSessionRequest, CloseSessionResponse, ListSessionsRequest,
    ListSessionsResponse, Opened, WakeRequest, WakeResponse, WatchActivityRequest,
    WatchActivityResponse,
    attach_request::Request as Asked,
    attach_response::Response as Told,
    terminal_broker_server::{TerminalBroker, TerminalBrokerServer},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::{
    Code, Request, Response, Status, Streaming,
    transport::{
        CertificateDer, Server, ServerTlsConfig,
        server::{TcpConnectInfo, TlsConnectInfo},
    },
};

use super::super::pool::Resolver;

/// What a fake does with an opening.
#[derive(Clone, Copy, Debug)]
pub(super) enum Manner {
    /// Opens it with the fake's address as the session's id, and echoes input.
    Serve,
    Refuse(Code),
    /// Never answers.
    Hang,
}

/// A running fake; it ends with the test's runtime.
pub(super) struct FakeBroker {
    pub(super) address: SocketAddr,
    drain: CancellationToken,
    seen: Arc<Seen>,
}

struct Seen {
    manner: Mutex<Manner>,
    connections: AtomicUsize,
    openings: AtomicUsize,
    /// Of the last opening's peer.
    certificate: Mutex<Option<CertificateDer<'static>>>,
}

impl FakeBroker {
    pub(super) async fn start(manner: Manner) -> Self {
        Self::launch(manner, None).await
    }

    pub(super) async fn start_with(tls: ServerTlsConfig) -> Self {
        Self::launch(Manner::Serve, Some(tls)).await
    }

    async fn launch(manner: Manner, tls: Option<ServerTlsConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen {
            manner: Mutex::new(manner),
            connections: AtomicUsize::default(),
            openings: AtomicUsize::default(),
            certificate: Mutex::default(),
        });
        let counted = Arc::clone(&seen);
        let connections = TcpListenerStream::new(listener).inspect(move |_| {
            counted.connections.fetch_add(1, Relaxed);
        });
        let mut server = Server::builder();
        if let Some(tls) = tls {
            server = server.tls_config(tls).unwrap();
        }
        let service = TerminalBrokerServer::new(Fake { address, seen: Arc::clone(&seen) });
        let drain = CancellationToken::new();
        let drained = drain.clone().cancelled_owned();
        let server = server.add_service(service);
        let serve = server.serve_with_incoming_shutdown(connections, drained);
        TaskTracker::new().spawn(serve.map(Result::unwrap));
        Self { address, drain, seen }
    }

    /// Takes no new connections or openings, and goes on with those there are.
    pub(super) fn drain(&self) {
        self.drain.cancel();
    }

    pub(super) fn becomes(&self, manner: Manner) {
        *self.seen.manner.lock().unwrap() = manner;
    }

    /// That were ever accepted.
    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Relaxed)
    }

    /// That were ever asked for.
    pub(super) fn openings(&self) -> usize {
        self.seen.openings.load(Relaxed)
    }

    pub(super) fn certificate(&self) -> Option<CertificateDer<'static>> {
        self.seen.certificate.lock().unwrap().clone()
    }
}

struct Fake {
    address: SocketAddr,
    seen: Arc<Seen>,
}

fn told(response: Told) -> AttachResponse {
    AttachResponse { response: Some(response) }
}

#[tonic::async_trait]
impl TerminalBroker for Fake {
    type AttachStream = Pin<Box<dyn Stream<Item = Result<AttachResponse, Status>> + Send>>;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Self::AttachStream>, Status> {
        self.seen.openings.fetch_add(1, Relaxed);
        let tls = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
        let chain = tls.and_then(TlsConnectInfo::peer_certs);
        *self.seen.certificate.lock().unwrap() = chain.and_then(|chain| chain.first().cloned());

        let manner = *self.seen.manner.lock().unwrap();
        match manner {
            Manner::Serve => {}
            Manner::Refuse(code) => return Err(Status::new(code, "the fake refuses")),
            Manner::Hang => pending().await,
        }
        let opened = Opened { session_id: self.address.to_string(), ..Opened::default() };
        let echoes = request.into_inner().filter_map(async |asked| match asked.ok()?.request? {
            Asked::Input(bytes) => Some(told(Told::Output(bytes))),
            _ => None,
        });
        let responses = stream::iter([told(Told::Opened(opened))]).chain(echoes).map(Ok);
        Ok(Response::new(Box::pin(responses)))
    }

    async fn list_sessions(
        &self,
        _: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        Err(Status::unimplemented("a fake"))
    }

    async fn close_session(
        &self,
        _: Request<CloseSessionRequest>,
    ) -> Result<Response<CloseSessionResponse>, Status> {
        Err(Status::unimplemented("a fake"))
    }

    async fn wake(&self, _: Request<WakeRequest>) -> Result<Response<WakeResponse>, Status> {
        self.seen.openings.fetch_add(1, Relaxed);
        let manner = *self.seen.manner.lock().unwrap();
        match manner {
            Manner::Serve => Ok(Response::new(WakeResponse {})),
            Manner::Refuse(code) => Err(Status::new(code, "the fake refuses")),
            Manner::Hang => pending().await,
        }
    }

    type WatchActivityStream = stream::Empty<Result<WatchActivityResponse, Status>>;

    async fn watch_activity(
        &self,
        _: Request<WatchActivityRequest>,
    ) -> Result<Response<Self::WatchActivityStream>, Status> {
        Err(Status::unimplemented("a fake"))
    }
}

/// The addresses behind a name, without DNS.
#[derive(Clone, Default)]
pub(super) struct Name(Arc<Mutex<Vec<SocketAddr>>>);

impl Name {
    pub(super) fn points_to<const N: usize>(&self, addresses: [SocketAddr; N]) {
        *self.0.lock().unwrap() = addresses.into();
    }

    /// Fails where there are none, as DNS does.
    pub(super) fn resolver(&self) -> Resolver {
        let name = self.clone();
        Box::new(move || {
            let addresses = name.0.lock().unwrap().clone();
            let unknown = || io::Error::other("no such name");
            let found = if addresses.is_empty() { Err(unknown()) } else { Ok(addresses) };
            async move { found }.boxed()
        })
    }
}
