//! A fake of the API server's exec endpoint, and of the program behind it. The WebSocket, its subprotocol
//! and its channels are real; the program is the test itself, which so decides what comes when.

use bytes::{Bytes, BytesMut};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::header::SEC_WEBSOCKET_PROTOCOL;
use screen_wire::{Frame, FrameCodec};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinHandle,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        Message,
        handshake::server::{ErrorResponse, Request, Response},
    },
};
use tokio_util::codec::{Decoder, Encoder as _};

pub(crate) const V5: &str = "v5.channel.k8s.io";
pub(crate) const V4: &str = "v4.channel.k8s.io";

/// Listens for execs.
pub(crate) struct Pods {
    pub(crate) url: String,
    execs: mpsc::Receiver<Exec>,
    accepting: JoinHandle<()>,
}

/// One exec as its program sees it.
pub(crate) struct Exec {
    /// Path and query of the request.
    pub(crate) target: String,
    pub(crate) stdin: Stdin,
    pub(crate) stdout: Stdout,
}

pub(crate) struct Stdin {
    socket: SplitStream<WebSocketStream<TcpStream>>,
    frames: BytesMut,
    /// Whether the broker said that stdin ended, as v5 allows.
    pub(crate) ended_politely: bool,
}

pub(crate) struct Stdout(SplitSink<WebSocketStream<TcpStream>, Message>);

impl Pods {
    /// Serves execs in `protocol`.
    pub(crate) async fn listen(protocol: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, execs) = mpsc::channel(16);
        #[allow(clippy::disallowed_methods, reason = "aborted when the fake is dropped")]
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Some(exec) = accept(stream, protocol).await {
                    let _ = sender.send(exec).await;
                }
            }
        });
        Self { url, execs, accepting }
    }

    pub(crate) async fn exec(&mut self) -> Exec {
        self.execs.recv().await.unwrap()
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// `None` for requests that are no exec: Events have no place here.
async fn accept(stream: TcpStream, protocol: &'static str) -> Option<Exec> {
    let mut target = String::new();
    #[allow(clippy::result_large_err, reason = "the callback's type is the library's")]
    let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
        let offered = request.headers()[SEC_WEBSOCKET_PROTOCOL].to_str().unwrap();
        assert!(offered.split(", ").any(|offer| offer == protocol), "{offered}");
        response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, protocol.parse().unwrap());
        target = request.uri().to_string();
        Ok(response)
    };
    let socket = accept_hdr_async(stream, choose).await.ok()?;
    let (stdout, stdin) = socket.split();
    let stdin = Stdin { socket: stdin, frames: BytesMut::new(), ended_politely: false };
    Some(Exec { target, stdin, stdout: Stdout(stdout) })
}

impl Exec {
    /// The command ends with this code.
    pub(crate) async fn fails(mut self, code: u8) {
        let status = format!(
            r#"{{"status":"Failure","reason":"NonZeroExitCode",
                "details":{{"causes":[{{"reason":"ExitCode","message":"{code}"}}]}}}}"#
        );
        self.stdout.message([&[3], status.as_bytes()].concat()).await;
    }

    /// The screen was told to leave, and nothing else; it does so.
    pub(crate) async fn hangs_up(mut self) {
        assert_eq!(self.stdin.frame().await, Some(Frame::HangUp));
        self.leaves().await;
    }

    /// The screen is told that its viewer has left, and leaves.
    pub(crate) async fn hears_of_leaving(mut self) {
        assert_eq!(self.stdin.frame().await, Some(Frame::Leave));
        self.stdout.message(&b"\x03{\"status\":\"Success\"}"[..]).await;
    }

    /// The screen reads the end of its stdin, and leaves.
    pub(crate) async fn leaves(mut self) {
        assert_eq!(self.stdin.frame().await, None);
        assert!(self.stdin.ended_politely);
        self.stdout.message(&b"\x03{\"status\":\"Success\"}"[..]).await;
    }
}

impl Stdin {
    /// The next frame but pings, or `None` at the end of stdin.
    pub(crate) async fn frame(&mut self) -> Option<Frame> {
        loop {
            match self.any_frame().await {
                Some(Frame::Ping) => {}
                other => return other,
            }
        }
    }

    /// Waits for a ping.
    pub(crate) async fn ping(&mut self) {
        assert_eq!(self.any_frame().await, Some(Frame::Ping));
    }

    async fn any_frame(&mut self) -> Option<Frame> {
        loop {
            match FrameCodec.decode(&mut self.frames).unwrap() {
                Some(frame) => return Some(frame),
                None if self.ended_politely => return None,
                None => {}
            }
            match self.socket.next().await {
                Some(Ok(Message::Binary(message))) => self.take(&message),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return None,
            }
        }
    }

    fn take(&mut self, message: &Bytes) {
        match message[..] {
            [0, ref data @ ..] => self.frames.extend_from_slice(data),
            [255, 0] => self.ended_politely = true,
            ref other => panic!("the broker sent {other:?}"),
        }
    }
}

impl Stdout {
    pub(crate) async fn frame(&mut self, frame: Frame) {
        let mut data = BytesMut::from(&[1][..]);
        FrameCodec.encode(frame, &mut data).unwrap();
        self.message(data.freeze()).await;
    }

    pub(crate) async fn output(&mut self, output: impl Into<Bytes>) {
        self.frame(Frame::Output(output.into())).await;
    }

    /// One message as it is, channel byte and all. A broker that hung up is no failure of the pod.
    pub(crate) async fn message(&mut self, message: impl Into<Bytes>) {
        let _ = self.0.send(Message::Binary(message.into())).await;
    }
}
