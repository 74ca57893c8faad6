//! A WebSocket to the gateway whose bytes are its user's own.

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{bench::guest::SUBPROTOCOL, settings};

/// The most that the answer to a handshake may take.
const ANSWER_BYTES_MAX: usize = 8 * 1024;
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// What is spoken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    /// The page's.
    Credit,
    /// Of pages that know no credit.
    Legacy,
}

/// Opens the link's terminal, and returns what came behind the handshake already.
pub(super) async fn open(token: &str, protocol: Protocol) -> Result<(TcpStream, Vec<u8>)> {
    let gateway = settings::gateway()?;
    let address = gateway.strip_prefix("http://").context("the gateway is not plain HTTP")?;
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(handshake(address, token, protocol).as_bytes()).await?;
    let mut answer = vec![];
    let end = loop {
        if let Some(end) = answer.windows(BLANK_LINE.len()).position(|part| part == BLANK_LINE) {
            break end + BLANK_LINE.len();
        }
        ensure!(answer.len() < ANSWER_BYTES_MAX, "the answer has no end");
        ensure!(stream.read_buf(&mut answer).await? > 0, "no answer");
    };
    let early = answer.split_off(end);
    let head = String::from_utf8_lossy(&answer);
    let first = head.lines().next().unwrap_or_default();
    ensure!(first.starts_with("HTTP/1.1 101 "), "the gateway says {first}");
    Ok((stream, early))
}

fn handshake(address: &str, token: &str, protocol: Protocol) -> String {
    let offered = match protocol {
        Protocol::Credit => format!("Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"),
        Protocol::Legacy => String::new(),
    };
    // The key of RFC 6455, section 1.3: the answer to it is not checked.
    format!(
        "GET /s/{token}/terminal HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offered}\r\n"
    )
}

/// A frame that is sent again and again, in whatever pieces the socket takes it.
pub(super) struct Repeated {
    frame: Vec<u8>,
    sent: usize,
}

impl Repeated {
    pub(super) fn new(frame: Vec<u8>) -> Self {
        Self { frame, sent: 0 }
    }

    pub(super) fn bytes(&self) -> usize {
        self.frame.len()
    }

    /// Whether the last one was sent to its end.
    pub(super) fn is_whole(&self) -> bool {
        self.sent == 0
    }

    /// Goes on with the frame, or begins it anew; returns how many bytes the socket took.
    pub(super) fn offer(&mut self, stream: &TcpStream) -> usize {
        // One that is full takes nothing, and neither does one that ended.
        let taken = stream.try_write(&self.frame[self.sent..]).unwrap_or_default();
        self.sent = (self.sent + taken) % self.frame.len();
        taken
    }
}
