//! An HTTP server on the loopback that answers as a test says and keeps what it was asked.

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures::stream;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use socket2::{Domain, Socket, Type};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    runtime::Runtime,
};
use tokio_rustls::TlsAcceptor;
use tokio_util::task::TaskTracker;

pub(crate) type Body = UnsyncBoxBody<Bytes, std::io::Error>;
pub(crate) type Reply = Response<Body>;
type Handler = Arc<dyn Fn(&Asked) -> Reply + Send + Sync>;

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// As it stood in the request's first line.
    pub(crate) uri: String,
    pub(crate) headers: HeaderMap,
    /// How many came before it.
    pub(crate) number: usize,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// Ends with its value.
pub(crate) struct Server {
    address: SocketAddr,
    scheme: &'static str,
    log: Arc<Mutex<Vec<Asked>>>,
    _runtime: Runtime,
}

impl Server {
    pub(crate) fn http(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::start(None, Arc::new(answer))
    }

    pub(crate) fn https(
        tls: Arc<ServerConfig>,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start(Some(tls), Arc::new(answer))
    }

    fn start(tls: Option<Arc<ServerConfig>>, handler: Handler) -> Self {
        let runtime = runtime();
        let log = Arc::new(Mutex::new(Vec::new()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::clone(&log);
        let tasks = TaskTracker::new();
        let serving = async move {
            let connections = TaskTracker::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, handler, asked) = (tls.clone(), handler.clone(), asked.clone());
                connections.spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await {
                                serve(stream, handler, asked).await;
                            }
                        }
                        None => serve(stream, handler, asked).await,
                    }
                });
            }
        };
        tasks.spawn_on(serving, runtime.handle());
        Self { address, scheme, log, _runtime: runtime }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What was asked until now.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// A port of the loopback at which nothing listens, and which nothing else gets meanwhile.
pub(crate) fn closed() -> (String, Socket) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    (format!("http://{address}/"), socket)
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: Handler,
    log: Arc<Mutex<Vec<Asked>>>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = Asked {
            uri: request.uri().to_string(),
            headers: request.headers().clone(),
            number: log.len(),
        };
        log.push(asked.clone());
        drop(log);
        let reply = handler(&asked);
        async move { Ok::<_, Infallible>(reply) }
    });
    // What a client does to its connection is not the server's failure.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

fn reply(status: u16, body: Body) -> Reply {
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::from_u16(status).unwrap();
    reply
}

pub(crate) fn text(status: u16, body: impl Into<Bytes>) -> Reply {
    reply(status, Full::new(body.into()).map_err(|never| match never {}).boxed_unsync())
}

pub(crate) fn redirect(status: u16, to: &str) -> Reply {
    let mut reply = text(status, "");
    reply.headers_mut().insert("location", to.parse().unwrap());
    reply
}

/// Chunks of 64 KiB without an end.
pub(crate) fn endless() -> Reply {
    let chunk = || Ok(Frame::data(Bytes::from(vec![b'a'; 64 * 1024])));
    reply(200, StreamBody::new(stream::repeat_with(chunk)).boxed_unsync())
}

/// The first bytes, and then nothing more.
pub(crate) fn stalled() -> Reply {
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"first")))]);
    let stream = futures::StreamExt::chain(first, stream::pending());
    reply(200, StreamBody::new(stream).boxed_unsync())
}

/// The first bytes, and then the connection breaks off.
pub(crate) fn broken() -> Reply {
    let frames = [
        Ok(Frame::data(Bytes::from_static(b"first"))),
        Err(std::io::Error::other("the server broke off")),
    ];
    reply(200, StreamBody::new(stream::iter(frames)).boxed_unsync())
}
