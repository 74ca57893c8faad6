//! Who speaks HTTP to the gateway, and from where.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use api_types::ShareToken;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::{io::AsyncReadExt, net::TcpStream, time::timeout};
use tokio_util::task::TaskTracker;

use crate::{
    guest::connect,
    system::{PATIENCE, token},
};

pub(crate) const STRANGER: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 66));
pub(crate) const GOOD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7));

/// One HTTP connection that is kept.
pub(crate) struct Visitor(SendRequest<Empty<Bytes>>);

impl Visitor {
    pub(crate) async fn new(gateway: SocketAddr, source: IpAddr) -> Self {
        let stream = connect(gateway, source).await;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
        TaskTracker::new().spawn(connection);
        Self(sender)
    }

    /// `None` where the connection was closed.
    pub(crate) async fn info(&mut self, token: &ShareToken) -> Option<StatusCode> {
        let (status, _) = self.get(&format!("/s/{}/info", token.expose())).await?;
        Some(status)
    }

    /// The path of the largest file that the page asks for.
    pub(crate) async fn largest_asset(&mut self) -> String {
        let (_, page) = self.get(&format!("/s/{}", token().expose())).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        let mut largest = (0, String::new());
        for name in page.split('"').filter_map(|attribute| attribute.strip_prefix("assets/")) {
            let path = format!("/s/assets/{name}");
            let (status, file) = self.get(&path).await.unwrap();
            assert_eq!(status, StatusCode::OK, "{path}");
            largest = largest.max((file.len(), path));
        }
        largest.1
    }

    /// The answer to a request for a WebSocket that is not granted.
    pub(crate) async fn upgrade(&mut self, path: &str) -> Option<(StatusCode, Bytes)> {
        let request = Request::get(path)
            .header("host", "gateway.test")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==");
        self.send(request.body(Empty::new()).unwrap()).await
    }

    /// `None` where the connection was closed.
    pub(crate) async fn get(&mut self, path: &str) -> Option<(StatusCode, Bytes)> {
        let request = Request::get(path).header("host", "gateway.test").body(Empty::new());
        self.send(request.unwrap()).await
    }

    async fn send(&mut self, request: Request<Empty<Bytes>>) -> Option<(StatusCode, Bytes)> {
        let response = timeout(PATIENCE, self.0.send_request(request)).await.unwrap();
        let (head, body) = response.ok()?.into_parts();
        Some((head.status, body.collect().await.ok()?.to_bytes()))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// How many bytes are answered until the connection ends, in whatever way.
pub(crate) async fn read_to_end(stream: &mut TcpStream) -> usize {
    let (mut bytes, mut buffer) = (0, [0; 4096]);
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        bytes += count;
    }
    bytes
}

/// Both ends of each connection are in this process; a shell's limit is often 1,024.
pub(crate) fn allow_open_files() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
}
