//! Visitors: an HTTP client that shows every byte, and a WebSocket client.

use std::net::SocketAddr;

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message, client::IntoClientRequest, http::Response},
};

use crate::{
    fake_broker::Attached,
    test_gateway::{PATIENCE, TestGateway, link},
};

/// One answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) async fn get(gateway: &TestGateway, path: &str) -> Answer {
    request(gateway, "GET", path, &[]).await
}

pub(crate) async fn request(
    gateway: &TestGateway,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    request_at(gateway.address, method, path, headers).await
}

/// [`request`], while the test has its gateway in other hands.
pub(crate) async fn request_at(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Answer {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut driver = JoinSet::new();
    driver.spawn(connection);

    let mut request = Request::builder().method(method).uri(path).header("host", "gateway.test");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap();
    let (head, body) = response.into_parts();
    let body = timeout(PATIENCE, body.collect()).await.unwrap().unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    Answer { status: head.status, headers: head.headers, body }
}

/// The bytes of an answer, less the Date header's.
pub(crate) async fn raw(gateway: &TestGateway, path: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(gateway.address).await.unwrap();
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: gateway.test\r\nAccept: {accept}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    answer.lines().filter(|line| !line.starts_with("date:")).collect::<Vec<_>>().join("\n")
}

/// A viewer's WebSocket.
pub(crate) struct Viewer<S = TcpStream> {
    pub(crate) socket: WebSocketStream<S>,
    pub(crate) granted: HeaderMap,
}

/// The subprotocol of the page.
pub(crate) const V1: &[(&str, &str)] = &[("sec-websocket-protocol", "kubeopencode.terminal.v1")];

impl Viewer {
    /// Connects to [`fixtures::demo`]'s terminal.
    pub(crate) async fn connect(gateway: &TestGateway, headers: &[(&str, &str)]) -> Self {
        Self::try_connect(gateway.address, &link("/terminal"), headers).await.unwrap()
    }

    /// The answer, where it is not a WebSocket.
    pub(crate) async fn try_connect(
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Box<Response<Option<Vec<u8>>>>> {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::over(stream, &address.to_string(), path, headers).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Viewer<S> {
    /// Over a connection that there is.
    pub(crate) async fn over(
        stream: S,
        host: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Self, Box<Response<Option<Vec<u8>>>>> {
        let mut request = format!("ws://{host}{path}").into_client_request().unwrap();
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().insert(name, HeaderValue::from_str(value).unwrap());
        }
        match timeout(PATIENCE, client_async(request, stream)).await.unwrap() {
            Ok((socket, response)) => Ok(Self { socket, granted: response.headers().clone() }),
            Err(Error::Http(response)) => Err(response),
            Err(error) => panic!("no answer: {error}"),
        }
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        self.socket.send(message).await.unwrap();
    }

    pub(crate) async fn resize(&mut self, columns: u32, rows: u32) {
        self.text(&format!(r#"{{"type":"resize","cols":{columns},"rows":{rows}}}"#)).await;
    }

    pub(crate) async fn ack(&mut self, bytes: u64) {
        self.text(&format!(r#"{{"type":"ack","bytes":{bytes}}}"#)).await;
    }

    pub(crate) async fn type_in(&mut self, input: &str) {
        self.send(Message::binary(input.as_bytes().to_vec())).await;
    }

    pub(crate) async fn interrupt(&mut self) {
        self.text(r#"{"type":"interrupt"}"#).await;
    }

    /// The next message that is not a ping.
    pub(crate) async fn next(&mut self) -> Message {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("nothing came") {
                Some(Ok(Message::Ping(_))) => {}
                Some(Ok(message)) => return message,
                other => panic!("the socket ended: {other:?}"),
            }
        }
    }

    /// The code and reason that the socket is closed with; what comes before is skipped.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(Some(frame)) = self.next().await {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

/// Checks until it holds: for effects that have no event of their own.
pub(crate) async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let checks = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, checks).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// A viewer whose terminal is open, and the broker's end of it.
pub(crate) async fn open(gateway: &mut TestGateway) -> (Viewer, Attached) {
    let mut viewer = Viewer::connect(gateway, V1).await;
    viewer.resize(120, 40).await;
    let attached = gateway.broker.attached().await;
    attached.open().await;
    viewer.next().await;
    (viewer, attached)
}
