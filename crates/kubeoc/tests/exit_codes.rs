//! The built program against an API server that says always the same: each exit code that
//! `--help` documents.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Output},
    thread,
};

use api_types::ShareToken;
use k8s_openapi::ByteString;
use serde_json::{Value, json};

/// What the API server answers to every request: a status code and a body.
type Answer = (u16, Value);

/// Serves `answer` on loopback until the test ends; gives the address.
fn api_server(answer: impl Fn(&str) -> Answer + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            respond(stream.unwrap(), &answer);
        }
    });
    format!("http://{address}")
}

/// One request, one response, one connection.
fn respond(mut stream: TcpStream, answer: &impl Fn(&str) -> Answer) {
    let mut request = BufReader::new(stream.try_clone().unwrap());
    let mut lines = request.by_ref().lines().map(Result::unwrap);
    let first = lines.next().unwrap();
    let mut length = 0;
    for line in lines.take_while(|line| !line.is_empty()) {
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    request.read_exact(&mut vec![0; length]).unwrap();
    let (code, body) = answer(&first);
    let body = body.to_string();
    let head = "content-type: application/json\r\nconnection: close";
    let length = body.len();
    write!(stream, "HTTP/1.1 {code} -\r\n{head}\r\ncontent-length: {length}\r\n\r\n{body}")
        .unwrap();
}

fn kubeconfig(test: &str, server: &str) -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}.kubeconfig"));
    let content = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "test",
        "clusters": [{ "name": "test", "cluster": { "server": server } }],
        "users": [{ "name": "test", "user": {} }],
        "contexts": [{ "name": "test", "context": { "cluster": "test", "user": "test" } }],
    });
    fs::write(&file, content.to_string()).unwrap();
    file
}

fn kubeoc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubeoc")).args(arguments).output().unwrap()
}

/// Runs `kubeoc agent {command} demo` against `server`.
fn agent(test: &str, server: &str, command: &str, flags: &[&str]) -> Output {
    let kubeconfig = kubeconfig(test, server);
    let target = ["agent", command, "demo", "--kubeconfig", kubeconfig.to_str().unwrap()];
    kubeoc(&[&target, flags].concat())
}

#[track_caller]
fn assert_fails(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(says), "{said}");
    assert!(output.stdout.is_empty(), "{output:?}");
}

fn failure(code: u16, name: Option<&str>) -> Answer {
    let details = name.map(|name| json!({ "name": name }));
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "message": "as the server says", "details": details,
    });
    (code, status)
}

/// The agent `demo` with a link, and its Secret.
fn shared(request: &str) -> Answer {
    let metadata = json!({ "name": "demo", "namespace": "default", "uid": "uid-1" });
    let object = if request.contains("/secrets/") {
        let token = ShareToken::from_bytes(&[1; 32]).expose().as_bytes().to_vec();
        let data = json!({ "token": ByteString(token) });
        json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data })
    } else {
        let version = "kubeopencode.io/v1alpha1";
        let spec = json!({ "share": { "enabled": true } });
        json!({ "apiVersion": version, "kind": "Agent", "metadata": metadata, "spec": spec })
    };
    (200, object)
}

#[test]
fn a_link_that_exists_is_printed_with_code_0() {
    let output = agent("shows", &api_server(shared), "share", &["--show", "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let link: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&link["agent"], link["token"].as_str().map(str::len)), (&json!("demo"), Some(43)));
}

#[test]
fn help_and_version_end_with_code_0() {
    for arguments in [&["--help"][..], &["version"], &["agent", "share", "--help"]] {
        let output = kubeoc(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_server_error_or_none_at_all_is_code_1() {
    let refuses = api_server(|_| failure(500, Some("demo")));
    assert_fails(&agent("error", &refuses, "share", &[]), 1, "as the server says");

    // A port that was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = agent("unreachable", &format!("http://{closed}"), "share", &["--show"]);
    assert_fails(&output, 1, "cannot reach the API server");

    let output = kubeoc(&["agent", "share", "demo", "--kubeconfig", "/does/not/exist"]);
    assert_fails(&output, 1, "cannot read the kubeconfig");
}

#[test]
fn a_wrong_command_line_is_code_2() {
    assert_fails(&kubeoc(&["agent", "share", "demo", "--no-such-flag"]), 2, "--no-such-flag");
    assert_fails(&kubeoc(&["agent", "share"]), 2, "NAME");
    // What only the values tell.
    let server = api_server(shared);
    let flags = ["--expires-in", "9000y"];
    assert_fails(&agent("usage", &server, "share", &flags), 2, "--expires-in");
}

#[test]
fn what_does_not_exist_is_code_3() {
    let no_agent = api_server(|_| failure(404, Some("demo")));
    for command in ["share", "unshare"] {
        assert_fails(&agent("no-agent", &no_agent, command, &[]), 3, "agent \"demo\" not found");
    }
    let no_kind = api_server(|_| failure(404, None));
    assert_fails(&agent("no-kind", &no_kind, "share", &[]), 3, "not installed");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_code_4() {
    // It accepts connections, in its backlog, and never reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    let output = agent("silent", &server, "share", &["--timeout", "50ms"]);
    assert_fails(&output, 4, "waiting for the API server");
}

#[test]
fn a_missing_permission_or_identity_is_code_5() {
    let forbidden = api_server(|_| failure(403, Some("demo")));
    assert_fails(&agent("forbidden", &forbidden, "share", &[]), 5, "not allowed to patch");
    let unknown = api_server(|_| failure(401, None));
    assert_fails(&agent("unknown", &unknown, "unshare", &[]), 5, "rejected your credentials");
}
