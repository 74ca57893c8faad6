//! Writes an exec: pings, then sizes, then input, so that control never waits behind what was typed, and
//! neither of them behind output.

use bytes::{Bytes, BytesMut};
use futures::{Sink, SinkExt as _};
use screen_wire::{Frame, FrameCodec, WireError};
use tokio::sync::{Notify, mpsc, watch};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::codec::Encoder as _;

use crate::{closing::Lost, exec_channels, opening::Size};

/// A frame's head: its length and its type.
const HEAD_BYTES: usize = 5;

/// What shall be written.
pub(crate) struct ToPod {
    pub(crate) ping: std::sync::Arc<Notify>,
    /// Only the newest size counts.
    pub(crate) size: watch::Receiver<Size>,
    /// In messages of at most 64 KiB.
    pub(crate) input: mpsc::Receiver<Bytes>,
}

/// Writes until the socket fails, and only then returns.
pub(crate) async fn write<S>(sink: &mut S, mut from: ToPod) -> Lost
where
    S: Sink<Message> + Unpin,
{
    loop {
        let message = match from.next().await {
            ToWrite::Ping => Ok(Message::Ping(Bytes::new())),
            ToWrite::Frame(frame, payload_bytes) => stdin(frame, payload_bytes),
        };
        let Ok(message) = message else { return Lost::Protocol };
        if sink.send(message).await.is_err() {
            return Lost::Broken;
        }
    }
}

enum ToWrite {
    Ping,
    Frame(Frame, usize),
}

impl ToPod {
    async fn next(&mut self) -> ToWrite {
        tokio::select! {
            biased;
            () = self.ping.notified() => ToWrite::Ping,
            Ok(()) = self.size.changed() => {
                let Size { columns, rows } = *self.size.borrow_and_update();
                ToWrite::Frame(Frame::Resize { columns, rows }, 4)
            }
            Some(input) = self.input.recv() => {
                let payload_bytes = input.len();
                ToWrite::Frame(Frame::Input(input), payload_bytes)
            }
            // Whoever held the other ends is about to drop this future.
            else => std::future::pending().await,
        }
    }
}

fn stdin(frame: Frame, payload_bytes: usize) -> Result<Message, WireError> {
    let mut message: BytesMut = exec_channels::stdin(HEAD_BYTES + payload_bytes);
    FrameCodec.encode(frame, &mut message)?;
    Ok(Message::Binary(message.freeze()))
}
