//! A fake exec: the screen runs on this machine instead of in a pod. Like the real one it buffers input without
//! a useful bound, ends stdin when its connection ends, and never kills what it started.

use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use http::Uri;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use screen_wire::{Frame, FrameCodec};
use serde_json::json;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    process::{Child, ChildStdin, Command},
    sync::{mpsc, watch},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, protocol::Role},
};
use tokio_util::codec::Decoder;

/// In messages of at most 64 KiB: 64 MiB. Between 18 and 40 MB were measured in a real exec's path.
const INPUT_BUFFER_MESSAGES: usize = 1024;
/// As containerd reads a container's output, in bytes.
const OUTPUT_READ_BYTES: usize = 32 * 1024;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// v5: the stream named by the next byte has ended.
const CLOSE: u8 = 255;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// One exec, for who watches it.
pub(crate) struct Exec {
    hung_up: watch::Receiver<bool>,
    ended: watch::Receiver<bool>,
}

/// The process, for who serves it.
pub(crate) struct Process {
    child: Child,
    hung_up: watch::Sender<bool>,
    ended: watch::Sender<bool>,
}

impl Exec {
    /// Starts what `uri` asks for, with `program` in `OpenCode`'s place. Terminals that are shared are found in `folder`.
    pub(crate) fn start(uri: &Uri, program: &[String], folder: &Path) -> (Self, Process) {
        let command = command(uri.query().unwrap());
        assert_eq!(command[0], "/tools/agent-tools", "the broker ran {command:?}");
        let child = Command::new(env!("CARGO_BIN_EXE_loopback-agent-tools"))
            .args(&command[1..])
            .arg("--folder")
            .arg(folder.join("screen"))
            .arg("--")
            .args(program)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (hung_up, ended) = <(watch::Sender<bool>, watch::Sender<bool>)>::default();
        let seen = Self { hung_up: hung_up.subscribe(), ended: ended.subscribe() };
        (seen, Process { child, hung_up, ended })
    }

    /// Waits until the screen has been told that its viewer was cut.
    pub(crate) async fn hung_up(&mut self, within: Duration) {
        let hung_up = timeout(within, self.hung_up.wait_for(|hung_up| *hung_up)).await;
        assert!(hung_up.is_ok_and(|told| told.is_ok()), "the screen heard of no hang-up");
    }

    /// Waits until the screen has left.
    pub(crate) async fn ended(&mut self, within: Duration) {
        let ended = timeout(within, self.ended.wait_for(|ended| *ended)).await;
        assert!(ended.is_ok(), "the screen is still there after {within:?}");
    }
}

/// The words of `command=…&command=…`.
fn command(query: &str) -> Vec<String> {
    let pairs = form_urlencoded::parse(query.as_bytes());
    pairs.filter(|(name, _)| name == "command").map(|(_, word)| word.into_owned()).collect()
}

/// Passes bytes both ways until the process ends.
pub(crate) async fn pass(upgrade: OnUpgrade, process: Process) {
    let Process { mut child, hung_up, ended } = process;
    let socket = TokioIo::new(upgrade.await.unwrap());
    let (sink, stream) = Socket::from_raw_socket(socket, Role::Server, None).await.split();
    let (sender, input) = mpsc::channel(INPUT_BUFFER_MESSAGES);
    let stdin = child.stdin.take().unwrap();
    let [stdout, stderr]: [Box<dyn AsyncRead + Send + Unpin>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    let output = async {
        let mut sink = sink;
        // One after the other: the screen says nothing on stderr before its last words.
        send(&mut sink, STDOUT, stdout).await;
        send(&mut sink, STDERR, stderr).await;
        let status = child.wait().await.unwrap();
        ended.send_replace(true);
        let message = [&[STATUS], status_message(status).as_bytes()].concat();
        // Its caller may be long gone.
        let _ = sink.send(Message::binary(message)).await;
        let _ = sink.close().await;
    };
    let input = async {
        tokio::join!(receive(stream, sender), write(input, stdin, hung_up));
        std::future::pending::<()>().await;
    };
    tokio::select! {
        biased;
        () = output => {}
        () = input => {}
    }
}

async fn receive(mut stream: SplitStream<Socket>, input: mpsc::Sender<Bytes>) {
    while let Some(Ok(message)) = stream.next().await {
        let Message::Binary(mut bytes) = message else { continue };
        match bytes.split_to(1)[0] {
            STDIN if input.send(bytes).await.is_err() => return,
            STDIN => {}
            CLOSE => return,
            channel => panic!("the broker wrote to channel {channel}"),
        }
    }
}

/// Until the connection has ended and all is written, or the process is gone.
async fn write(
    mut input: mpsc::Receiver<Bytes>,
    mut stdin: ChildStdin,
    hung_up: watch::Sender<bool>,
) {
    let mut frames = BytesMut::new();
    while let Some(bytes) = input.recv().await {
        if stdin.write_all(&bytes).await.is_err() {
            return;
        }
        frames.extend_from_slice(&bytes);
        while let Some(frame) = FrameCodec.decode(&mut frames).unwrap() {
            if frame == Frame::HangUp {
                hung_up.send_replace(true);
            }
        }
    }
}

/// Until the process closes its end, or the connection has broken: then the process meets a closed pipe.
async fn send(
    sink: &mut SplitSink<Socket, Message>,
    channel: u8,
    mut output: impl AsyncRead + Unpin,
) {
    let mut buffer = vec![0; OUTPUT_READ_BYTES];
    while let Ok(count @ 1..) = output.read(&mut buffer).await {
        let message = [&[channel], &buffer[..count]].concat();
        if sink.send(Message::binary(message)).await.is_err() {
            return;
        }
    }
}

fn status_message(status: ExitStatus) -> String {
    match status.code() {
        Some(0) => json!({ "metadata": {}, "status": "Success" }).to_string(),
        code => json!({
            "metadata": {},
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "message": format!("command terminated: {status}"),
            "details": { "causes": [{ "reason": "ExitCode", "message": code.unwrap_or(137).to_string() }] },
        })
        .to_string(),
    }
}
