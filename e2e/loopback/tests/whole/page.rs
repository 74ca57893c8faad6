//! What the page does whose connection breaks: it knows how far it is, comes again, and sends again what was not taken.

use std::collections::VecDeque;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Duration, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{
    guest::connect,
    system::{PATIENCE, TestSystem, token},
    visitor::GOOD,
};

type Socket = WebSocketStream<TcpStream>;

/// How long a page waits before it tries again, at most so often that a test notices.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Page {
    viewer: String,
    terminal: Option<String>,
    /// The position in the program's output, once one is known.
    drawn: Option<u64>,
    /// Bytes that still draw the screen.
    screen_bytes: usize,
    /// How often it was drawn the screen, in place of what it missed.
    pub(crate) screens: usize,
    /// The program's output since the screen was drawn last.
    pub(crate) output: Vec<u8>,
    /// What it has typed and was not credited.
    kept: VecDeque<u8>,
    typed_to: u64,
    credit: usize,
    socket: Socket,
}

impl Page {
    /// Opens the terminal for the first time.
    pub(crate) async fn opens(system: &TestSystem, number: u8) -> Self {
        let viewer = format!("{number:032x}");
        let first = json!({ "viewer": viewer });
        let (socket, hello) = opened(system, &first).await;
        let mut page = Self {
            viewer,
            terminal: None,
            drawn: None,
            screen_bytes: 0,
            screens: 0,
            output: vec![],
            kept: VecDeque::new(),
            typed_to: 0,
            credit: 0,
            socket,
        };
        page.is_told(&hello).await;
        page
    }

    /// Comes again, once its connection is known to be broken.
    pub(crate) async fn comes_again(&mut self, system: &TestSystem) {
        let drawn = self.drawn.filter(|_| self.screen_bytes == 0);
        let join = json!({
            "viewer": self.viewer, "terminal": self.terminal, "drawn": drawn,
            "typed_from": self.typed_to - self.kept.len() as u64, "typed_to": self.typed_to, "interrupts": 0,
        });
        let (socket, hello) = opened(system, &join).await;
        self.socket = socket;
        self.is_told(&hello).await;
    }

    async fn is_told(&mut self, hello: &Value) {
        let resume = &hello["resume"];
        let terminal = resume["terminal"].as_str().expect("the terminal can be resumed").to_owned();
        if let Some(before) = self.terminal.replace(terminal.clone()) {
            assert_eq!(before, terminal, "it is the same terminal");
        }
        self.credit = usize::try_from(hello["input_window"].as_u64().unwrap()).unwrap();
        let typed = resume["typed"].as_u64().unwrap();
        while self.typed_to - self.kept.len() as u64 != typed {
            self.kept.pop_front().expect("it goes on within what can be sent again");
        }
        let again = Vec::from(self.kept.clone());
        self.credit -= again.len();
        if !again.is_empty() {
            let _ = self.socket.send(Message::binary(again)).await;
        }
    }

    /// Types, as far as it may; says how much that was.
    pub(crate) async fn types(&mut self, text: &[u8]) -> usize {
        let text = &text[..text.len().min(self.credit)];
        self.kept.extend(text);
        self.typed_to += text.len() as u64;
        self.credit -= text.len();
        // What does not leave is sent again.
        let _ = self.socket.send(Message::binary(text.to_vec())).await;
        text.len()
    }

    /// Takes the next message; `Err` once the connection is broken.
    pub(crate) async fn hears(&mut self) -> Result<(), String> {
        match timeout(PATIENCE, self.socket.next()).await.expect("something comes") {
            Some(Ok(Message::Binary(bytes))) => self.is_shown(&bytes).await,
            Some(Ok(Message::Text(text))) => {
                self.hears_word(&serde_json::from_str(&text).unwrap());
            }
            Some(Ok(Message::Close(frame))) => return Err(format!("{frame:?}")),
            Some(Ok(_)) => {}
            other => return Err(format!("{other:?}")),
        }
        Ok(())
    }

    /// Takes what comes until that is output.
    pub(crate) async fn hears_output(&mut self) {
        let shown = self.output.len();
        while self.output.len() <= shown {
            self.hears().await.expect("it stays");
        }
    }

    async fn is_shown(&mut self, bytes: &[u8]) {
        let (screen, output) = bytes.split_at(self.screen_bytes.min(bytes.len()));
        self.screen_bytes -= screen.len();
        self.output.extend_from_slice(output);
        *self.drawn.as_mut().expect("a position comes first") += output.len() as u64;
        let ack = json!({ "type": "ack", "bytes": bytes.len() });
        let _ = self.socket.send(Message::text(ack.to_string())).await;
    }

    fn hears_word(&mut self, word: &Value) {
        let number = |name: &str| word[name].as_u64().unwrap();
        match word["type"].as_str() {
            Some("position") => {
                self.screen_bytes = usize::try_from(number("screen_bytes")).unwrap();
                if self.screen_bytes > 0 {
                    self.screens += 1;
                    self.output.clear();
                } else if let Some(drawn) = self.drawn {
                    assert_eq!(drawn, number("position"), "it goes on where it was");
                }
                self.drawn = Some(number("position"));
            }
            Some("credit") => {
                let credited = usize::try_from(number("bytes")).unwrap();
                self.credit += credited;
                self.kept.drain(..credited);
            }
            _ => {}
        }
    }

    /// Whether all that was typed was taken.
    pub(crate) fn is_credited(&self) -> bool {
        self.kept.is_empty()
    }
}

/// A connection that says where the page is, and what it is told first of all. A page tries again until it is let in.
async fn opened(system: &TestSystem, join: &Value) -> (Socket, Value) {
    let opening = async {
        loop {
            if let Some(opened) = try_open(system, join).await {
                return opened;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    timeout(PATIENCE, opening).await.expect("it is let in")
}

async fn try_open(system: &TestSystem, join: &Value) -> Option<(Socket, Value)> {
    let gateway = system.gateway.address;
    let stream = connect(gateway, GOOD).await;
    let url = format!("ws://{gateway}/s/{}/terminal", token().expose());
    let mut request = url.into_client_request().unwrap();
    let protocol = HeaderValue::from_static("kubeopencode.terminal.v1");
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = client_async(request, stream).await.ok()?;
    let size = json!({ "type": "resize", "cols": 120, "rows": 40, "join": join });
    socket.send(Message::text(size.to_string())).await.ok()?;
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            let word: Value = serde_json::from_str(&text).unwrap();
            assert_eq!(word["type"], "hello", "it is the first of all");
            return Some((socket, word));
        }
    }
    None
}
