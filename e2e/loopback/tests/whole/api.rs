//! A fake of the API server, as far as gateway and broker use it: execs, which run on this machine, and Events,
//! which are counted and forgotten.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{
    Request, Response, StatusCode,
    header::{
        CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, UPGRADE,
    },
};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    sync::{mpsc, watch},
};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::exec::{self, Exec};

const PROTOCOL: &str = "v5.channel.k8s.io";

pub(crate) struct ApiServer {
    pub(crate) address: SocketAddr,
    execs: mpsc::UnboundedReceiver<Exec>,
    requests: Arc<AtomicUsize>,
    broken: watch::Sender<u64>,
    end: CancellationToken,
}

/// What a request is answered with.
#[derive(Clone)]
struct Answers {
    /// What the screen runs in `OpenCode`'s place.
    program: Arc<[String]>,
    execs: mpsc::UnboundedSender<Exec>,
    requests: Arc<AtomicUsize>,
    /// Where the pod's terminals are found.
    folder: Arc<TempDir>,
    /// Counts how often all execs broke.
    broken: watch::Receiver<u64>,
    tasks: TaskTracker,
    end: CancellationToken,
}

impl ApiServer {
    /// Each exec runs `program` in `OpenCode`'s place.
    pub(crate) async fn start(program: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, execs) = mpsc::unbounded_channel();
        let (requests, end) = (Arc::<AtomicUsize>::default(), CancellationToken::new());
        let (tasks, broken) = (TaskTracker::new(), watch::Sender::default());
        let answers = Answers {
            program: program.into(),
            execs: sender,
            requests: Arc::clone(&requests),
            folder: Arc::new(TempDir::new().unwrap()),
            broken: broken.subscribe(),
            tasks: tasks.clone(),
            end: end.clone(),
        };
        tasks.spawn(end.clone().run_until_cancelled_owned(serve(listener, answers)));
        Self { address, execs, requests, broken, end }
    }

    /// The next exec.
    pub(crate) async fn exec(&mut self) -> Exec {
        self.execs.recv().await.unwrap()
    }

    /// Every exec breaks off, as when the API server is killed.
    pub(crate) fn break_execs(&self) {
        self.broken.send_modify(|broken| *broken += 1);
    }

    /// How many requests there were, of whatever kind.
    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

async fn serve(listener: TcpListener, answers: Answers) {
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).unwrap();
        let (answers, end) = (answers.clone(), answers.end.clone());
        let tasks = answers.tasks.clone();
        let service = service_fn(move |request| {
            let response = answers.answer(request);
            async move { Ok::<_, Infallible>(response) }
        });
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).with_upgrades();
        // A caller that broke off is the caller's affair.
        tasks.spawn(async move { end.run_until_cancelled(connection).await.map(drop) });
    }
}

impl Answers {
    fn answer(&self, mut request: Request<Incoming>) -> Response<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        if !request.uri().path().ends_with("/exec") {
            // An Event: the client wants an object back.
            let created = Full::new(Bytes::from_static(b"{\"metadata\":{}}"));
            let mut response = Response::new(created);
            *response.status_mut() = StatusCode::CREATED;
            return response;
        }
        let (exec, ending) = Exec::start(request.uri(), &self.program, self.folder.path());
        let key = request.headers()[SEC_WEBSOCKET_KEY].as_bytes();
        let response = Response::builder()
            .status(StatusCode::SWITCHING_PROTOCOLS)
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_ACCEPT, derive_accept_key(key))
            .header(SEC_WEBSOCKET_PROTOCOL, PROTOCOL)
            .body(Full::default())
            .unwrap();
        let upgrade = hyper::upgrade::on(&mut request);
        let passing = exec::pass(upgrade, ending);
        let mut broken = self.broken.clone();
        broken.mark_unchanged();
        let passing = async move {
            tokio::select! {
                biased;
                _ = broken.changed() => {}
                () = passing => {}
            }
        };
        self.tasks.spawn(self.end.clone().run_until_cancelled_owned(passing));
        self.execs.send(exec).ok();
        response
    }
}
