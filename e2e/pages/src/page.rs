//! What the page does whose connection breaks: it knows how far it is, comes again, and sends again what was not taken.

use std::{
    collections::VecDeque,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{sleep, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::lines::Lines;

type Socket = WebSocketStream<TcpStream>;

const SUBPROTOCOL: &str = "kubeopencode.terminal.v1";
const COLUMNS: u16 = 120;
const ROWS: u16 = 40;
/// How long a page waits before it tries again.
const PAUSE: Duration = Duration::from_millis(50);
/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// The gateway says something more often than that.
const SILENCE: Duration = Duration::from_secs(30);

/// Where a terminal is opened.
#[derive(Clone, Debug)]
pub struct Door {
    pub gateway: SocketAddr,
    /// An address of this machine.
    pub source: Option<IpAddr>,
    pub token: String,
    /// How long a page tries to be let in.
    pub patience: Duration,
}

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
    pub(crate) lines: Lines,
    /// What it has typed and was not credited.
    kept: VecDeque<u8>,
    typed: u64,
    credit: usize,
    socket: Socket,
}

/// What was heard.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Output,
    Word,
    /// The connection is no more.
    Broken(String),
}

impl Page {
    /// Opens the terminal for the first time, as viewer number `viewer`.
    pub(crate) async fn opens(door: &Door, viewer: u64) -> Result<Self> {
        let viewer = format!("{viewer:032x}");
        let (socket, hello) = opened(door, &json!({ "viewer": viewer })).await?;
        let mut page = Self {
            viewer,
            terminal: None,
            drawn: None,
            screen_bytes: 0,
            screens: 0,
            lines: Lines::default(),
            kept: VecDeque::new(),
            typed: 0,
            credit: 0,
            socket,
        };
        page.is_told(&hello).await?;
        Ok(page)
    }

    /// Comes again, once its connection is known to be broken.
    pub(crate) async fn comes_again(&mut self, door: &Door) -> Result<()> {
        let drawn = self.drawn.filter(|_| self.screen_bytes == 0);
        let join = json!({
            "viewer": self.viewer, "terminal": self.terminal, "drawn": drawn,
            "typed_from": self.typed - self.kept.len() as u64, "typed_to": self.typed, "interrupts": 0,
        });
        let (socket, hello) = opened(door, &join).await?;
        self.socket = socket;
        self.is_told(&hello).await
    }

    async fn is_told(&mut self, hello: &Value) -> Result<()> {
        let resume = &hello["resume"];
        let terminal = resume["terminal"].as_str().context("the terminal cannot be resumed")?;
        if let Some(before) = self.terminal.replace(terminal.to_owned()) {
            ensure!(before == terminal, "it is another terminal");
        }
        self.credit = number(hello, "input_window")?;
        let taken = number(resume, "typed")?;
        let from = usize::try_from(self.typed)? - self.kept.len();
        let read = taken.checked_sub(from).filter(|read| *read <= self.kept.len());
        self.kept.drain(..read.context("it does not go on within what can be sent again")?);
        let again = Vec::from(self.kept.clone());
        self.credit = self.credit.checked_sub(again.len()).context("less than was under way")?;
        if !again.is_empty() {
            // What does not leave is sent again.
            let _ = self.socket.send(Message::binary(again)).await;
        }
        Ok(())
    }

    /// Types, as far as it may.
    pub(crate) async fn types(&mut self, text: &[u8]) {
        let text = &text[..text.len().min(self.credit)];
        if !text.is_empty() {
            self.kept.extend(text);
            self.typed += text.len() as u64;
            self.credit -= text.len();
            // What does not leave is sent again.
            let _ = self.socket.send(Message::binary(text.to_vec())).await;
        }
    }

    /// How much it has typed.
    pub(crate) fn typed(&self) -> u64 {
        self.typed
    }

    /// Whether all that was typed was taken.
    pub(crate) fn is_credited(&self) -> bool {
        self.kept.is_empty()
    }

    /// The next message; an error where the connection is no more. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Message, String> {
        match timeout(SILENCE, self.socket.next()).await {
            Ok(Some(Ok(Message::Close(frame)))) => Err(format!("{frame:?}")),
            Ok(Some(Ok(message))) => Ok(message),
            other => Err(format!("{other:?}")),
        }
    }

    pub(crate) async fn takes(&mut self, message: Result<Message, String>) -> Result<Heard> {
        Ok(match message {
            Ok(Message::Binary(bytes)) => {
                self.is_shown(&bytes).await?;
                Heard::Output
            }
            Ok(Message::Text(text)) => {
                self.hears(&serde_json::from_str(&text)?)?;
                Heard::Word
            }
            Ok(_) => Heard::Word,
            Err(why) => Heard::Broken(why),
        })
    }

    async fn is_shown(&mut self, bytes: &[u8]) -> Result<()> {
        let (screen, output) = bytes.split_at(self.screen_bytes.min(bytes.len()));
        self.screen_bytes -= screen.len();
        self.lines.push(output)?;
        *self.drawn.as_mut().context("a position comes first")? += output.len() as u64;
        let ack = json!({ "type": "ack", "bytes": bytes.len() });
        let _ = self.socket.send(Message::text(ack.to_string())).await;
        Ok(())
    }

    fn hears(&mut self, word: &Value) -> Result<()> {
        match word["type"].as_str() {
            Some("position") => {
                self.screen_bytes = number(word, "screen_bytes")?;
                let position = number(word, "position")? as u64;
                if self.screen_bytes > 0 {
                    self.screens += 1;
                    self.lines = Lines::default();
                } else if let Some(drawn) = self.drawn {
                    ensure!(drawn == position, "it goes on at {position}, and not at {drawn}");
                }
                self.drawn = Some(position);
            }
            Some("credit") => {
                let bytes = number(word, "bytes")?;
                ensure!(bytes <= self.kept.len(), "a credit of {bytes} bytes that were not typed");
                self.credit += bytes;
                self.kept.drain(..bytes);
            }
            Some("exit") => bail!("the terminal ended: {word}"),
            _ => {}
        }
        Ok(())
    }
}

fn number(of: &Value, name: &str) -> Result<usize> {
    let number = of[name].as_u64().with_context(|| format!("no {name} in {of}"))?;
    Ok(usize::try_from(number)?)
}

/// A connection that says where the page is, and what it is told first of all. A page tries again until it is let in.
async fn opened(door: &Door, join: &Value) -> Result<(Socket, Value)> {
    let opening = async {
        loop {
            match timeout(ATTEMPT, try_open(door, join)).await {
                Ok(Ok(opened)) => return opened,
                Ok(Err(_)) | Err(_) => sleep(PAUSE).await,
            }
        }
    };
    timeout(door.patience, opening).await.context("it is not let in")
}

async fn try_open(door: &Door, join: &Value) -> Result<(Socket, Value)> {
    let source = door.source.unwrap_or(Ipv4Addr::UNSPECIFIED.into());
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(source, 0))?;
    let stream = socket.connect(door.gateway).await?;
    stream.set_nodelay(true)?;
    let url = format!("ws://{}/s/{}/terminal", door.gateway, door.token);
    let mut request = url.into_client_request()?;
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    let (mut socket, _) = client_async(request, stream).await?;
    let size = json!({ "type": "resize", "cols": COLUMNS, "rows": ROWS, "join": join });
    socket.send(Message::text(size.to_string())).await?;
    while let Some(message) = socket.next().await {
        match message? {
            Message::Text(text) => {
                let word: Value = serde_json::from_str(&text)?;
                ensure!(word["type"] == "hello", "{word} comes first");
                return Ok((socket, word));
            }
            Message::Close(frame) => bail!("{frame:?}"),
            _ => {}
        }
    }
    bail!("the connection ended")
}
