//! The pod's end of an exec, in memory, for tests: the WebSocket and its channels are real, the screen
//! is the test itself.

use bytes::BytesMut;
use futures::{SinkExt, StreamExt};
use screen_wire::{Frame, FrameCodec};
use tokio::io::{DuplexStream, duplex};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::codec::{Decoder, Encoder};

use super::{channels::Protocol, frames::Frames, socket::Exec};

/// What lies between the two ends, in bytes.
const PIPE_BYTES: usize = 32 * 1024;

pub(crate) struct FakePod {
    socket: WebSocketStream<DuplexStream>,
    stdin: BytesMut,
}

/// An exec, and the pod that it is in.
pub(crate) async fn exec() -> (Exec<DuplexStream>, FakePod) {
    let (frames, pod) = frames().await;
    (Exec::new(frames), pod)
}

pub(super) async fn frames() -> (Frames<DuplexStream>, FakePod) {
    let (ours, theirs) = duplex(PIPE_BYTES);
    let socket = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
    (Frames::new(ours, Protocol::V5), FakePod { socket, stdin: BytesMut::new() })
}

impl FakePod {
    /// The next frame, or `None` at the end of stdin.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = FrameCodec.decode(&mut self.stdin).unwrap() {
                return Some(frame);
            }
            match self.socket.next().await?.ok()? {
                Message::Binary(message) => match message[..] {
                    [0, ref data @ ..] => self.stdin.extend_from_slice(data),
                    [255, 0] => return None,
                    ref other => panic!("the broker sent {other:?}"),
                },
                Message::Ping(_) | Message::Pong(_) => {}
                _ => return None,
            }
        }
    }

    /// [`FakePod::frame`], pings left out.
    pub(crate) async fn word(&mut self) -> Option<Frame> {
        loop {
            match self.frame().await {
                Some(Frame::Ping) => {}
                other => return other,
            }
        }
    }

    pub(crate) async fn say(&mut self, frame: Frame) {
        let mut data = BytesMut::new();
        FrameCodec.encode(frame, &mut data).unwrap();
        self.message(1, &data).await;
    }

    /// Anything in any channel. A broker that is gone is no failure of the pod.
    pub(crate) async fn message(&mut self, channel: u8, data: &[u8]) {
        self.raw(Message::Binary([&[channel], data].concat().into())).await;
    }

    pub(crate) async fn raw(&mut self, message: Message) {
        let _ = self.socket.send(message).await;
    }

    /// The command's end with this code, as the cluster tells it.
    pub(crate) async fn fails(&mut self, code: i32) {
        let status = format!(
            r#"{{"status":"Failure","reason":"NonZeroExitCode",
                "details":{{"causes":[{{"reason":"ExitCode","message":"{code}"}}]}}}}"#
        );
        self.message(3, status.as_bytes()).await;
    }

    /// The command's end, as the cluster tells it.
    pub(crate) async fn success(&mut self) {
        self.message(3, br#"{"status":"Success"}"#).await;
    }
}
