//! An API server whose pod has a screen: what that says is a test's to write.

use std::{net::TcpStream, sync::Arc, thread};

use bytes::{Bytes, BytesMut};
use screen_wire::{Deframer, Frame, FrameCodec, Join, Joined};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::{
    Message, WebSocket, accept_hdr,
    handshake::server::{Request, Response},
    http::HeaderValue,
};
use tokio_util::codec::Encoder;

use crate::api_server::{Answer, demo, failure, list, listen, ok, respond};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
/// Of a channel that has ended.
const CLOSED: u8 = 255;

/// The agent's pod, and the screen in it.
pub(crate) struct Screen {
    /// What was run.
    pub(crate) command: Vec<String>,
    socket: WebSocket<TcpStream>,
    deframer: Deframer,
}

/// The address of an API server that holds `demo`, whose screens do as `script` says: it is told the number of each.
pub(crate) fn serve(script: impl Fn(usize, Screen) + Send + Sync + 'static) -> String {
    serve_agent(|_| (), script)
}

/// The same, where the agent is another one.
pub(crate) fn serve_agent(
    change: impl FnOnce(&mut Value),
    script: impl Fn(usize, Screen) + Send + Sync + 'static,
) -> String {
    let mut agent = demo();
    change(&mut agent);
    let (script, opened) = (Arc::new(script), Arc::default());
    serve_all(move |line| object(line, &agent), move |stream| open(stream, &script, &opened))
}

/// The same, where nobody may exec, or ask for an object whose path ends like this.
pub(crate) fn forbid(path: &'static str, message: &'static str) -> String {
    let answer = move |line: &str| {
        if !is_for(line, path) {
            return object(line, &demo());
        }
        let (code, body) = failure(403, Some("demo"));
        (code, body.replace("as the server says", &message.replace('"', "\\\"")))
    };
    let exec = move |stream| respond(stream, answer);
    serve_all(answer, exec)
}

fn serve_all(
    answer: impl Fn(&str) -> Answer + Send + 'static,
    exec: impl Fn(TcpStream) + Send + 'static,
) -> String {
    listen(move |stream| {
        let mut start = [0; 2048];
        let count = stream.peek(&mut start).unwrap();
        let is_exec = String::from_utf8_lossy(&start[..count]).contains("/exec?");
        if is_exec { exec(stream) } else { respond(stream, &answer) }
    })
}

fn is_for(line: &str, path: &str) -> bool {
    line.split('?').next().is_some_and(|start| start.ends_with(path))
}

fn open(
    stream: TcpStream,
    script: &Arc<impl Fn(usize, Screen) + Send + Sync + 'static>,
    opened: &Arc<std::sync::atomic::AtomicUsize>,
) {
    let (script, opened) = (Arc::clone(script), Arc::clone(opened));
    let number = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    thread::spawn(move || script(number, Screen::accept(stream)));
}

fn object(line: &str, agent: &Value) -> Answer {
    let owned = |name: &str, uid: &str, kind: &str, owner: &str| {
        json!({
            "name": name, "namespace": "team-a", "uid": uid,
            "ownerReferences": [{
                "apiVersion": "v1", "kind": kind, "name": owner, "uid": owner, "controller": true,
            }],
        })
    };
    let metadata = |metadata: Value| json!({ "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": metadata });
    match () {
        () if is_for(line, "/agents/demo") => ok(agent),
        () if is_for(line, "/deployments/demo-server") => {
            ok(&metadata(owned("demo-server", "deployment-1", "Agent", "uid-1")))
        }
        () if is_for(line, "/replicasets") => {
            list(&[metadata(owned("demo-server-1", "set-1", "Deployment", "deployment-1"))])
        }
        () if is_for(line, "/pods") => {
            let is_ready = agent["status"]["ready"].as_bool().unwrap_or_default();
            let ready = if is_ready { "True" } else { "False" };
            list(&[json!({
                "metadata": owned("demo-server-1-x", "pod-1", "ReplicaSet", "set-1"),
                "spec": { "containers": [] },
                "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
            })])
        }
        () => failure(404, Some("x")),
    }
}

impl Screen {
    fn accept(stream: TcpStream) -> Self {
        let mut command = vec![];
        #[expect(clippy::result_large_err, reason = "as the library has it")]
        let upgrade = |request: &Request, mut response: Response| {
            let query = request.uri().query().unwrap_or_default();
            let pairs = query.split('&').filter_map(|pair| pair.strip_prefix("command="));
            command = pairs.map(decoded).collect();
            let protocol = HeaderValue::from_static("v5.channel.k8s.io");
            response.headers_mut().insert("sec-websocket-protocol", protocol);
            Ok(response)
        };
        let socket = accept_hdr(stream, upgrade).unwrap();
        Self { command, socket, deframer: Deframer::new() }
    }

    /// What the viewer comes with.
    pub(crate) fn join(&self) -> Join {
        let flag = self.command.iter().position(|word| word == "--join").expect("a join");
        serde_json::from_str(&self.command[flag + 1]).unwrap()
    }

    /// Lets the viewer join, whose input is to come from `typed` on, and tells where the output is.
    pub(crate) fn let_join(&mut self, typed: u64, position: u64) {
        self.say(Frame::Joined(Joined { terminal: 7, typed }));
        self.say(Frame::Position { position, screen_bytes: 0 });
    }

    pub(crate) fn say(&mut self, frame: Frame) {
        let mut bytes = BytesMut::from(&[STDOUT][..]);
        let mut encoded = BytesMut::new();
        FrameCodec.encode(frame, &mut encoded).unwrap();
        bytes.extend_from_slice(&encoded);
        self.send(bytes.freeze());
    }

    pub(crate) fn draw(&mut self, output: &'static str) {
        self.say(Frame::Output(output.into()));
    }

    fn send(&mut self, message: Bytes) {
        // Whoever attached may have gone.
        let _ = self.socket.send(Message::Binary(message));
    }

    /// The next that the viewer says; `None` when it has gone.
    pub(crate) fn hear(&mut self) -> Option<Frame> {
        loop {
            if let Some(frame) = self.deframer.next().unwrap() {
                return Some(frame);
            }
            match self.socket.read() {
                Ok(Message::Binary(bytes)) if bytes.first() == Some(&STDIN) => {
                    self.deframer.push(bytes.slice(1..));
                }
                Ok(Message::Binary(bytes)) if bytes.first() == Some(&CLOSED) => return None,
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The same, of what was typed: so much of it.
    pub(crate) fn hear_typed(&mut self, bytes: usize) -> String {
        let mut typed = vec![];
        while typed.len() < bytes
            && let Some(frame) = self.hear()
        {
            if let Frame::Input(part) = frame {
                typed.extend_from_slice(&part);
            }
        }
        String::from_utf8(typed).unwrap()
    }

    /// All that the viewer says until it leaves; then the command ends well.
    pub(crate) fn hear_all(mut self) -> Vec<Frame> {
        let said = std::iter::from_fn(|| self.hear()).collect();
        self.end(&json!({ "status": "Success" }), "");
        said
    }

    /// The command ends like this.
    pub(crate) fn end(mut self, status: &Value, stderr: &str) {
        self.send([&[STDERR], stderr.as_bytes()].concat().into());
        self.send([&[STATUS], status.to_string().as_bytes()].concat().into());
        let _ = self.socket.close(None);
        while self.socket.read().is_ok() {}
    }

    /// The connection breaks.
    pub(crate) fn breaks(self) {
        let _ = self.socket.get_ref().shutdown(std::net::Shutdown::Both);
    }
}

/// Without the percent-encoding of a query.
fn decoded(word: &str) -> String {
    let mut parts = word.split('%');
    let mut decoded = parts.next().unwrap_or_default().replace('+', " ").into_bytes();
    for part in parts {
        let (digits, rest) = part.split_at(2);
        decoded.push(u8::from_str_radix(digits, 16).unwrap());
        decoded.extend_from_slice(rest.replace('+', " ").as_bytes());
    }
    String::from_utf8(decoded).unwrap()
}
