//! A guest's end of a terminal: the page's protocol with its credit, or whatever bytes a hostile one sends.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use api_types::ShareToken;
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{
    program::READY,
    system::{PATIENCE, TestSystem, token},
};

/// Bytes of one message of input.
const PIECE_BYTES: usize = 16 * 1024;

pub(crate) struct Guest {
    pub(crate) socket: WebSocketStream<TcpStream>,
    /// Input bytes that may be sent now.
    pub(crate) credit: usize,
    /// What the gateway said last of what the link allows.
    pub(crate) access: String,
    /// Output that nobody has asked for yet.
    seen: Vec<u8>,
}

/// Why a socket was closed: its code and reason.
pub(crate) type Closed = (u16, String);

impl Guest {
    /// Opens the link's terminal, and waits until its program is ready.
    pub(crate) async fn arrives(system: &TestSystem) -> Self {
        let mut guest = Self::connects(system.gateway.address, Ipv4Addr::LOCALHOST.into()).await;
        guest.sees(READY.as_bytes()).await;
        guest
    }

    /// From `source`, an address of this host.
    pub(crate) async fn connects(gateway: SocketAddr, source: IpAddr) -> Self {
        Self::connects_with(gateway, source, &token(), &[]).await
    }

    /// By another link, and with further headers.
    pub(crate) async fn connects_with(
        gateway: SocketAddr,
        source: IpAddr,
        token: &ShareToken,
        headers: &[(&'static str, &str)],
    ) -> Self {
        let stream = connect(gateway, source).await;
        let url = format!("ws://{gateway}/s/{}/terminal", token.expose());
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let protocol = HeaderValue::from_static("kubeopencode.terminal.v1");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = timeout(PATIENCE, client_async(request, stream)).await.unwrap().unwrap();
        let mut guest = Self { socket, credit: 0, access: String::new(), seen: Vec::new() };
        guest.tells(&json!({ "type": "resize", "cols": 120, "rows": 40 })).await;
        guest
    }

    pub(crate) async fn tells(&mut self, control: &Value) {
        self.socket.send(Message::text(control.to_string())).await.unwrap();
    }

    /// Sends input, whether there is credit for it or not.
    pub(crate) async fn sends(&mut self, input: &[u8]) {
        self.socket.send(Message::binary(input.to_vec())).await.unwrap();
    }

    /// Types as the page does: never beyond its credit.
    pub(crate) async fn types(&mut self, mut input: &[u8]) {
        while !input.is_empty() {
            let count = input.len().min(self.credit).min(PIECE_BYTES);
            if count == 0 {
                self.hears().await.expect("the socket stays open");
                continue;
            }
            let piece = input.split_off(..count).unwrap();
            self.credit -= count;
            self.sends(piece).await;
        }
    }

    /// Ctrl-C that overtakes what was typed.
    pub(crate) async fn interrupts(&mut self) {
        self.tells(&json!({ "type": "interrupt" })).await;
    }

    /// Waits until output ends with, or goes on with, `text`; drops everything up to its end.
    pub(crate) async fn sees(&mut self, text: &[u8]) {
        let shown = timeout(PATIENCE, self.finds(text)).await;
        assert!(shown.is_ok(), "{:?} is not among what comes", String::from_utf8_lossy(text));
    }

    async fn finds(&mut self, text: &[u8]) {
        loop {
            let found = self.seen.windows(text.len()).position(|window| window == text);
            if let Some(start) = found {
                self.seen.drain(..start + text.len());
                return;
            }
            // What cannot be the start of it any more is not kept.
            let kept = self.seen.len().min(text.len() - 1);
            self.seen.drain(..self.seen.len() - kept);
            self.hears().await.expect("the socket stays open");
        }
    }

    /// The next `count` bytes of output.
    pub(crate) async fn output(&mut self, count: usize) -> Vec<u8> {
        while self.seen.len() < count {
            self.hears().await.expect("the socket stays open");
        }
        self.seen.drain(..count).collect()
    }

    /// Waits for the end, and hears out what comes before it.
    pub(crate) async fn closed(&mut self) -> Closed {
        self.closed_within(PATIENCE).await
    }

    pub(crate) async fn closed_within(&mut self, limit: Duration) -> Closed {
        let end = async {
            loop {
                if let Err(closed) = self.next().await {
                    return closed;
                }
            }
        };
        timeout(limit, end).await.expect("the socket stays open")
    }

    /// Takes the next message, acknowledging output at once.
    pub(crate) async fn hears(&mut self) -> Result<(), Closed> {
        timeout(PATIENCE, self.next()).await.expect("nothing came")
    }

    /// Hears what comes, signs of life as well, until the end.
    pub(crate) async fn stays(&mut self) -> Closed {
        loop {
            if let Err(closed) = self.next().await {
                return closed;
            }
        }
    }

    async fn next(&mut self) -> Result<(), Closed> {
        match self.socket.next().await {
            Some(Ok(Message::Binary(bytes))) => self.drawn(&bytes).await,
            Some(Ok(Message::Text(text))) => self.told(&serde_json::from_str(&text).unwrap()),
            Some(Ok(Message::Close(Some(frame)))) => {
                return Err((frame.code.into(), frame.reason.to_string()));
            }
            Some(Ok(_)) => {}
            broken => return Err((1006, format!("{broken:?}"))),
        }
        Ok(())
    }

    async fn drawn(&mut self, bytes: &Bytes) {
        self.seen.extend_from_slice(bytes);
        // A gateway that has closed meanwhile does not hear it.
        let ack = json!({ "type": "ack", "bytes": bytes.len() });
        let _ = self.socket.send(Message::text(ack.to_string())).await;
    }

    fn told(&mut self, control: &Value) {
        let bytes = |name: &str| usize::try_from(control[name].as_u64().unwrap()).unwrap();
        if let Some(access) = control["access"].as_str() {
            access.clone_into(&mut self.access);
        }
        match control["type"].as_str() {
            Some("hello") => self.credit += bytes("input_window"),
            Some("credit") => self.credit += bytes("bytes"),
            _ => {}
        }
    }
}

/// A connection to the gateway from `source`.
pub(crate) async fn connect(gateway: SocketAddr, source: IpAddr) -> TcpStream {
    let stream = socket(source).connect(gateway).await.unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// What connects from `source`.
pub(crate) fn socket(source: IpAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(source, 0)).unwrap();
    socket
}
