//! Git's own server program behind HTTPS, on the loopback. The first part of a path says how it behaves.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Condvar, Mutex},
};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{io::AsyncWriteExt, net::TcpListener, process::Command, runtime::Runtime, sync::watch};
use tokio_rustls::TlsAcceptor;

use super::certificate::certificate;

type Body = BoxBody<Bytes, std::io::Error>;

/// What a client asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
}

pub(crate) struct Server {
    runtime: Runtime,
    pub(crate) port: u16,
    pub(crate) folder: tempfile::TempDir,
    shared: Arc<Shared>,
}

struct Shared {
    root: PathBuf,
    asked: Mutex<Vec<Asked>>,
    has_asked: Condvar,
    /// How often each of the paths that fail at first was asked for.
    failures: Mutex<HashMap<String, usize>>,
    /// Where `/away/` leads.
    away: Mutex<String>,
    /// How the paths begin that get no answer for now.
    held: watch::Sender<Option<String>>,
}

/// How a server is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

impl Server {
    /// Serves what lies in its folder `srv`. The authority that signed its certificate is `ca.pem` in its folder.
    pub(crate) fn start(scheme: Scheme) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("srv");
        std::fs::create_dir(&root).unwrap();
        let tls = (scheme == Scheme::Https).then(|| TlsAcceptor::from(certificate(folder.path())));
        let shared = Arc::new(Shared {
            root,
            asked: Mutex::default(),
            has_asked: Condvar::new(),
            failures: Mutex::default(),
            away: Mutex::default(),
            held: watch::Sender::default(),
        });
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let tasks = tokio_util::task::TaskTracker::new();
        tasks.spawn_on(accept(listener, tls, Arc::clone(&shared), tasks.clone()), runtime.handle());
        Self { runtime, port, folder, shared }
    }

    pub(crate) fn srv(&self) -> &Path {
        &self.shared.root
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// `how` is the first part of the path: see [`answer`].
    pub(crate) fn url(&self, how: &str, name: &str) -> String {
        let scheme = if self.ca().exists() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/{how}/{name}/.git", self.port)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Waits until there were so many requests.
    pub(crate) fn wait_for(&self, count: usize) {
        let asked = self.shared.asked.lock().unwrap();
        drop(self.shared.has_asked.wait_while(asked, |asked| asked.len() < count).unwrap());
    }

    /// Where `/away/` leads: to the beginning of a URL.
    pub(crate) fn lead_away(&self, to: &str) {
        to.clone_into(&mut self.shared.away.lock().unwrap());
    }

    /// Answers nothing whose path begins so, until it is told to hold something else.
    pub(crate) fn hold(&self, path: Option<&str>) {
        self.shared.held.send_replace(path.map(str::to_owned));
    }

    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    shared: Arc<Shared>,
    tasks: tokio_util::task::TaskTracker,
) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, shared) = (tls.clone(), Arc::clone(&shared));
        tasks.spawn(async move {
            let service = service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(answer(&shared, request).await) }
            });
            let http = http1::Builder::new();
            // A client that goes away is no failure of the server.
            match tls {
                Some(tls) => {
                    let Ok(stream) = tls.accept(stream).await else { return };
                    drop(http.serve_connection(TokioIo::new(stream), service).await);
                }
                None => drop(http.serve_connection(TokioIo::new(stream), service).await),
            }
        });
    }
}

const BOT: &str = "Basic Ym90OnMzY3JldA=="; // bot:s3cret
const TOKEN: &str = "Basic eC1hY2Nlc3MtdG9rZW46dDBrZW4="; // x-access-token:t0ken

/// `open` serves anybody, `private` the user `bot` with `s3cret`, `token` the token `t0ken`; `busy` answers 503
/// twice, `cut` breaks off within the first pack, `old` speaks the first version of the protocol, `away` redirects.
async fn answer(shared: &Shared, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path_and_query().unwrap().to_string();
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    let asked = Asked { path: path.clone(), authorization: authorization.clone() };
    shared.asked.lock().unwrap().push(asked);
    shared.has_asked.notify_all();
    let is_free = |held: &Option<String>| !held.as_ref().is_some_and(|held| path.starts_with(held));
    drop(shared.held.subscribe().wait_for(is_free).await);
    let (how, rest) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let is_post = request.method() == "POST";
    let allowed = match how {
        "private" => authorization.as_deref() == Some(BOT),
        "token" => authorization.as_deref() == Some(TOKEN),
        _ => true,
    };
    if !allowed {
        return empty(StatusCode::UNAUTHORIZED);
    }
    match how {
        "away" => {
            let to = format!("{}/{rest}", shared.away.lock().unwrap());
            let mut answer = empty(StatusCode::FOUND);
            answer.headers_mut().insert(header::LOCATION, to.parse().unwrap());
            answer
        }
        "busy" if failed(shared, how) < 2 => empty(StatusCode::SERVICE_UNAVAILABLE),
        "cut" if is_post && path.contains("git-upload-pack") && failed(shared, how) == 1 => {
            let whole = backend(shared, rest, request, true).await;
            cut(whole).await
        }
        "hang" if is_post && failed(shared, how) > 0 => std::future::pending().await,
        "old" => backend(shared, rest, request, false).await,
        "strange" => empty(StatusCode::OK),
        _ => backend(shared, rest, request, true).await,
    }
}

/// How often it was called before for `how`.
fn failed(shared: &Shared, how: &str) -> usize {
    let mut failures = shared.failures.lock().unwrap();
    let count = failures.entry(how.to_owned()).or_default();
    *count += 1;
    *count - 1
}

fn empty(status: StatusCode) -> Response<Body> {
    let body = http_body_util::Empty::new().map_err(|never| match never {});
    Response::builder().status(status).body(body.boxed()).unwrap()
}

/// Half of an answer, after which the connection breaks.
async fn cut(answer: Response<Body>) -> Response<Body> {
    let (head, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let half = bytes.slice(..bytes.len() / 2);
    let broken = std::io::Error::other("cut");
    let frames = stream::iter([Ok(Frame::data(half)), Err(broken)]).then(|frame| async {
        tokio::task::yield_now().await;
        frame
    });
    Response::from_parts(head, BodyExt::boxed(StreamBody::new(Box::pin(frames).map(|f| f))))
}

/// `git http-backend`, by the rules of CGI.
async fn backend(
    shared: &Shared,
    rest: &str,
    request: Request<Incoming>,
    is_current: bool,
) -> Response<Body> {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let text = |headers: &HeaderMap, name: &str| {
        headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    };
    let mut command = Command::new("git");
    command
        .arg("http-backend")
        .env_clear()
        .env("PATH", "/usr/bin:/bin:/usr/local/bin")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", format!("/{path}"))
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", request.method().as_str())
        .env("CONTENT_TYPE", text(request.headers(), "content-type"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    if is_current {
        command.env("GIT_PROTOCOL", text(request.headers(), "git-protocol"));
    }
    let mut child = command.spawn().unwrap();
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut stdin = child.stdin.take().unwrap();
    // It may have ended without reading.
    drop(stdin.write_all(&body).await);
    drop(stdin);
    let output = child.wait_with_output().await.unwrap();
    cgi(&output.stdout)
}

fn cgi(output: &[u8]) -> Response<Body> {
    let end = output.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = std::str::from_utf8(&output[..end]).unwrap();
    let mut answer = Response::builder();
    for line in head.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        answer = match name {
            "Status" => answer.status(value[..3].parse::<u16>().unwrap()),
            _ => answer.header(name, value),
        };
    }
    let body = Bytes::copy_from_slice(&output[end + 4..]);
    answer.body(http_body_util::Full::new(body).map_err(|never| match never {}).boxed()).unwrap()
}

/// Binds a port of the loopback.
pub(crate) fn bind(runtime: &Runtime) -> (TcpListener, SocketAddr) {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
