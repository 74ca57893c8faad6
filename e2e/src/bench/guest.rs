//! A guest's WebSocket to the gateway, without a browser: it acknowledges output as the page does.

use std::{future::pending, time::Duration};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use screen_wire::OUTPUT_ACK_BYTES;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep_until},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use super::terminal::{COLUMNS, ROWS};
use crate::settings;

pub(super) const SUBPROTOCOL: &str = "kubeopencode.terminal.v1";
/// As the page does: what is less than [`OUTPUT_ACK_BYTES`] is acknowledged this long after its first bytes.
const ACKNOWLEDGE_WITHIN: Duration = Duration::from_secs(1);

pub(super) struct Guest {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    unacknowledged: usize,
    acknowledge_at: Option<Instant>,
}

/// Whether a guest could go on after a break, as a page does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comes {
    Once,
    Again,
}

/// What the gateway says beside output.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Control {
    Hello {},
    Exit {
        message: String,
    },
    #[serde(other)]
    Other,
}

enum Event {
    Due,
    Message(Message),
}

impl Guest {
    /// Opens the link's terminal, and returns when the gateway says that it is open.
    pub(super) async fn open(token: &str, comes: Comes) -> Result<Self> {
        let gateway = settings::gateway()?;
        let address = gateway.strip_prefix("http://").context("the gateway is not plain HTTP")?;
        let mut request = format!("ws://{address}/s/{token}/terminal").into_client_request()?;
        let protocol = HeaderValue::from_static(SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        // Like a browser: without Nagle's algorithm.
        let (socket, _) = connect_async_with_config(request, None, true).await?;
        let mut guest = Self { socket, unacknowledged: 0, acknowledge_at: None };
        let mut first = json!({ "type": "resize", "cols": COLUMNS, "rows": ROWS });
        if comes == Comes::Again {
            // Nobody else opens one in the same nanosecond.
            let viewer = daemon::clock::now().unix_timestamp_nanos();
            first["join"] = json!({ "viewer": format!("{viewer:032x}") });
        }
        guest.tell(&first).await?;
        while !matches!(guest.next().await?, Event::Message(Message::Text(text)) if is_hello(&text)?)
        {
        }
        Ok(guest)
    }

    /// Closes the terminal, and returns when the gateway has done so, too.
    pub(super) async fn leave(mut self) -> Result<()> {
        self.socket.close(None).await?;
        while let Some(message) = self.socket.next().await {
            message?;
        }
        Ok(())
    }

    pub(super) async fn send(&mut self, typed: &[u8]) -> Result<()> {
        Ok(self.socket.send(Message::binary(typed.to_vec())).await?)
    }

    /// Loses nothing where it is dropped before it is done.
    pub(super) async fn receive(&mut self) -> Result<Bytes> {
        loop {
            match self.next().await? {
                Event::Due => self.acknowledge().await?,
                Event::Message(Message::Binary(bytes)) => {
                    self.drawn(bytes.len());
                    return Ok(bytes);
                }
                Event::Message(Message::Text(text)) => {
                    is_hello(&text)?;
                }
                Event::Message(Message::Close(close)) => bail!("the gateway closed: {close:?}"),
                Event::Message(_) => {}
            }
        }
    }

    async fn next(&mut self) -> Result<Event> {
        let due = self.acknowledge_at;
        let due =
            async { if let Some(due) = due { sleep_until(due).await } else { pending().await } };
        tokio::select! {
            biased;
            () = due => Ok(Event::Due),
            message = self.socket.next() => {
                Ok(Event::Message(message.context("the gateway's socket ended")??))
            }
        }
    }

    fn drawn(&mut self, bytes: usize) {
        self.unacknowledged += bytes;
        let enough = self.unacknowledged >= OUTPUT_ACK_BYTES;
        let wait = if enough { Duration::ZERO } else { ACKNOWLEDGE_WITHIN };
        let due = Instant::now() + wait;
        self.acknowledge_at = Some(self.acknowledge_at.map_or(due, |at| at.min(due)));
    }

    async fn acknowledge(&mut self) -> Result<()> {
        let control = json!({ "type": "ack", "bytes": self.unacknowledged });
        self.socket.feed(Message::text(control.to_string())).await?;
        // Queued: it goes even if this is dropped now.
        (self.acknowledge_at, self.unacknowledged) = (None, 0);
        Ok(self.socket.flush().await?)
    }

    async fn tell(&mut self, control: &Value) -> Result<()> {
        Ok(self.socket.send(Message::text(control.to_string())).await?)
    }
}

fn is_hello(text: &str) -> Result<bool> {
    match serde_json::from_str(text)? {
        Control::Hello {} => Ok(true),
        Control::Other => Ok(false),
        Control::Exit { message } => bail!("the terminal ended: {message}"),
    }
}
