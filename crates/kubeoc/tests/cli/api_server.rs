//! The API server, what it holds, and the program run against it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use api_types::ShareToken;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

/// A status code and a body.
pub(crate) type Answer = (u16, String);

/// One request: its first line without the version, and its body.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) line: String,
    pub(crate) body: String,
}

impl Request {
    /// Whether it is for a watch.
    pub(crate) fn watches(&self) -> bool {
        self.line.contains("watch=true")
    }

    /// Whether its path names this, as in `/agents/demo`.
    pub(crate) fn is_for(&self, object: &str) -> bool {
        self.line.split('?').next().is_some_and(|path| path.ends_with(object))
    }
}

/// An API server on the loopback.
pub(crate) struct ApiServer {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl ApiServer {
    /// Answers each request, one after the other, until the test ends.
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + 'static) -> Self {
        let requests = Arc::new(Mutex::new(vec![]));
        let log = Arc::clone(&requests);
        let address = listen(move |mut stream| {
            let request = read(&stream);
            let answer = answer(&request);
            log.lock().unwrap().push(request);
            write_answer(&mut stream, &answer);
        });
        Self { address, requests }
    }

    /// The first lines of the requests that changed something, with their bodies.
    pub(crate) fn changes(&self) -> Vec<(String, Value)> {
        let requests = self.requests.lock().unwrap();
        let changes = requests.iter().filter(|request| !request.line.starts_with("GET "));
        let parsed = |request: &Request| {
            (request.line.clone(), serde_json::from_str(&request.body).unwrap_or_default())
        };
        changes.map(parsed).collect()
    }

    /// The first lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.requests.lock().unwrap().iter().map(|request| request.line.clone()).collect()
    }

    /// Runs `kubeoc` against it, in the namespace `team-a`.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        command(&self.address, arguments)
    }
}

pub(crate) fn command(address: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubeoc"));
    command.args(arguments).arg("--kubeconfig").arg(kubeconfig(address));
    command
}

/// Hands each connection on, until the test ends; gives the address.
pub(crate) fn listen(serve: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| serve(stream.unwrap())));
    format!("http://{address}")
}

pub(crate) fn read(stream: &TcpStream) -> Request {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut lines = request.by_ref().lines().map(Result::unwrap);
    let line = lines.next().unwrap_or_default();
    let mut length = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    request.read_exact(&mut body).unwrap();
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Request { line, body: String::from_utf8(body).unwrap() }
}

/// Answers one request by its first line.
pub(crate) fn respond(mut stream: TcpStream, answer: impl Fn(&str) -> Answer) {
    let request = read(&stream);
    write_answer(&mut stream, &answer(&request.line));
}

fn write_answer(stream: &mut TcpStream, (code, body): &Answer) {
    let head = format!("content-length: {}\r\nconnection: close", body.len());
    let head = format!("HTTP/1.1 {code} -\r\ncontent-type: application/json\r\n{head}");
    // Whoever asked may have gone.
    let _ = write!(stream, "{head}\r\n\r\n{body}");
}

pub(crate) fn kubeconfig(server: &str) -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{}-{number}.kubeconfig", std::process::id()));
    let content = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{
            "name": "test",
            "context": { "cluster": "test", "user": "test", "namespace": "team-a" },
        }],
    });
    fs::write(&file, content.to_string()).unwrap();
    file
}

pub(crate) fn ok(object: &Value) -> Answer {
    (200, object.to_string())
}

/// What the API server says instead; `name` is that of the object that is missing.
pub(crate) fn failure(code: u16, name: Option<&str>) -> Answer {
    let details = name.map(|name| json!({ "name": name }));
    let reason = if code == 404 { "NotFound" } else { "" };
    let status = json!({
        "kind": "Status", "reason": reason, "apiVersion": "v1", "status": "Failure", "code": code,
        "message": "as the server says", "details": details,
    });
    (code, status.to_string())
}

pub(crate) fn list(items: &[Value]) -> Answer {
    let metadata = json!({ "resourceVersion": "1" });
    ok(&json!({ "apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items }))
}

/// One event of a watch, which then ends.
pub(crate) fn event(object: &Value) -> Answer {
    // The type comes first, as the API server writes it.
    (200, format!("{{\"type\":\"MODIFIED\",\"object\":{object}}}\n"))
}

pub(crate) fn condition(kind: &str, truth: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": truth, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-21T12:00:00Z",
    })
}

pub(crate) fn token() -> ShareToken {
    ShareToken::from_bytes(&[1; 32])
}

/// The agent `demo`, shared, ready, and as the controller observed it.
pub(crate) fn demo() -> Value {
    json!({
        "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent",
        "metadata": {
            "name": "demo", "namespace": "team-a", "uid": "uid-1", "generation": 2,
            "resourceVersion": "1",
        },
        "spec": { "share": { "enabled": true } },
        "status": {
            "observedGeneration": 2, "ready": true,
            "conditions": [
                condition("Ready", "True", "ServerReady", "the agent's server answers"),
                condition("ShareReady", "True", "Active", "Share link is active"),
            ],
            "share": {
                "active": true,
                "tokenLookup": token().lookup().to_string(),
                "tokenProof": token().proof("uid-1").to_string(),
            },
        },
    })
}

/// The agent `demo`, whose pod is starting.
pub(crate) fn starting() -> Value {
    let mut agent = demo();
    agent["status"]["ready"] = json!(false);
    agent["status"]["share"]["active"] = json!(false);
    agent["status"]["conditions"] = json!([
        condition("Ready", "False", "Progressing", "git-init-0 clones the repository"),
        condition("ShareReady", "False", "AgentNotReady", "Share link waits for the agent"),
    ]);
    agent
}

/// The share Secret of `demo`; with a URL where the controller knows its own.
pub(crate) fn secret(base_url: Option<&str>) -> Value {
    let bytes = |text: &str| ByteString(text.as_bytes().to_vec());
    let token = token();
    let url = base_url.map(|base| bytes(&format!("{base}/s/{}", token.expose())));
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "demo-share", "namespace": "team-a",
            "ownerReferences": [{
                "apiVersion": "kubeopencode.io/v1alpha1", "kind": "Agent", "name": "demo",
                "uid": "uid-1",
            }],
        },
        "data": { "token": bytes(token.expose()), "url": url.unwrap_or_default() },
    })
}

#[track_caller]
pub(crate) fn assert_fails(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says), "{said}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

/// What a command that succeeded printed.
#[track_caller]
pub(crate) fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}
