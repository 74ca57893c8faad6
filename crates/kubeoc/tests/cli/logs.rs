//! `kubeoc agent logs`: as they arrive, of the container that is asked for.

use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
    sync::{Mutex, mpsc},
};

use serde_json::{Value, json};

use crate::api_server::{
    ApiServer, Request, assert_fails, command, condition, demo, failure, list, listen, ok, read,
    starting, stdout,
};

fn pod() -> Value {
    let running = |name: &str| {
        json!({
            "name": name, "state": { "running": {} }, "image": "", "imageID": "", "ready": true,
            "restartCount": 0,
        })
    };
    json!({
        "metadata": { "name": "demo-server-1", "creationTimestamp": "2026-11-21T12:00:00Z" },
        "spec": {
            "initContainers": [{ "name": "git-init-0" }],
            "containers": [{ "name": "opencode-server" }],
        },
        "status": {
            "initContainerStatuses": [running("git-init-0")],
            "containerStatuses": [running("opencode-server")],
        },
    })
}

fn log(text: &str) -> ApiServer {
    let text = text.to_owned();
    ApiServer::start(move |request| match () {
        () if request.is_for("/log") => (200, text.clone()),
        () if request.is_for("/pods") => list(&[pod()]),
        () => ok(&demo()),
    })
}

/// What is asked of the API server about the log.
fn asked(server: &ApiServer) -> String {
    let lines = server.lines();
    lines.iter().find(|line| line.contains("/log?")).cloned().unwrap_or_default()
}

#[test]
fn the_server_is_the_container_that_is_meant() {
    let server = log("first\nsecond\n");
    assert_eq!(stdout(&server.run(&["agent", "logs", "demo"])), "first\nsecond\n");
    let path = "GET /api/v1/namespaces/team-a/pods/demo-server-1/log?&container=opencode-server";
    assert_eq!(asked(&server), path);
    let pods = &server.lines()[1];
    assert!(pods.contains("kubeopencode.io%2Fagent%3Ddemo"), "{pods}");
}

#[test]
fn what_is_printed_is_what_the_container_wrote() {
    // Escapes and all: it is the agent's own output, and may well go to a file.
    let server = log("\u{1b}[31mred\n");
    let output = server.run(&["agent", "logs", "demo", "-c", "git-init-0"]);
    assert_eq!(stdout(&output), "\u{1b}[31mred\n");
    assert!(asked(&server).contains("container=git-init-0"));
}

#[test]
fn flags_are_the_api_servers() {
    let server = log("");
    let flags = ["--tail", "20", "--previous", "--since", "1h 30m", "--follow"];
    stdout(&server.run(&[&["agent", "logs", "demo"][..], &flags].concat()));
    let asked = asked(&server);
    for parameter in ["tailLines=20", "previous=true", "sinceSeconds=5400", "follow=true"] {
        assert!(asked.contains(parameter), "{parameter}: {asked}");
    }
    let server = log("");
    stdout(&server.run(&["agent", "logs", "demo", "--since", "10ms"]));
    assert!(crate::logs::asked(&server).contains("sinceSeconds=1"), "the least there is");
}

#[test]
fn all_lines_are_asked_for_as_with_kubectl() {
    for tail in [&["--tail", "-1"][..], &["--tail=-1"]] {
        let server = log("first\n");
        let arguments = [&["agent", "logs", "demo"][..], tail].concat();
        assert_eq!(stdout(&server.run(&arguments)), "first\n");
        assert!(!asked(&server).contains("tailLines"), "{}", asked(&server));
    }
    let output = log("").run(&["agent", "logs", "demo", "--tail", "-2"]);
    assert_fails(&output, 2, "--tail");
}

#[test]
fn an_unknown_container_lists_those_there_are() {
    let output = log("").run(&["agent", "logs", "demo", "-c", "server"]);
    assert_fails(&output, 3, "no container \"server\"; it has: git-init-0, opencode-server");
}

#[test]
fn an_agent_without_a_pod_says_why() {
    let suspended = || {
        let mut agent = demo();
        agent["status"]["conditions"] =
            json!([condition("Ready", "False", "Suspended", "the agent is suspended")]);
        agent
    };
    let server =
        ApiServer::start(
            move |request| {
                if request.is_for("/pods") { list(&[]) } else { ok(&suspended()) }
            },
        );
    let output = server.run(&["agent", "logs", "demo"]);
    assert_fails(&output, 3, "the agent has no pod: the agent is suspended");
}

#[test]
fn a_container_that_has_not_started_points_to_the_one_that_is_at_work() {
    let server = ApiServer::start(|request| {
        let mut pod = pod();
        pod["status"]["containerStatuses"] = json!([]);
        if request.is_for("/pods") { list(&[pod]) } else { ok(&starting()) }
    });
    let output = server.run(&["agent", "logs", "demo"]);
    assert_fails(&output, 3, "opencode-server has not started yet: git-init-0 clones");
    assert_fails(&output, 3, "are printed with -c git-init-0");
}

#[test]
fn a_log_that_may_not_be_read_names_the_permission() {
    let server = ApiServer::start(|request| match () {
        () if request.is_for("/log") => failure(403, Some("demo-server-1")),
        () if request.is_for("/pods") => list(&[pod()]),
        () => ok(&demo()),
    });
    let output = server.run(&["agent", "logs", "demo"]);
    assert_fails(&output, 5, "a role with the verb \"get\" on \"pods/log\"");
}

/// An API server whose log goes on: `serve` writes its body.
fn endless(serve: impl Fn(&mut dyn Write) + Send + 'static) -> String {
    listen(move |mut stream| {
        let request: Request = read(&stream);
        let head = "HTTP/1.1 200 -\r\nconnection: close\r\n";
        if request.is_for("/log") {
            write!(stream, "{head}\r\n").unwrap();
            return serve(&mut stream);
        }
        let (_, body) = if request.is_for("/pods") { list(&[pod()]) } else { ok(&demo()) };
        write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()).unwrap();
    })
}

#[test]
fn lines_are_printed_as_they_arrive() {
    let (seen, wait_until_seen) = mpsc::channel::<()>();
    let wait_until_seen = Mutex::new(wait_until_seen);
    let address = endless(move |body| {
        body.write_all(b"first\n").unwrap();
        wait_until_seen.lock().unwrap().recv().unwrap();
        body.write_all(b"second\n").unwrap();
    });
    let mut command = command(&address, &["agent", "logs", "demo", "-f"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "first");
    seen.send(()).unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "second");
    assert!(lines.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_reader_that_goes_ends_the_command_quietly() {
    let address = endless(|body| while body.write_all(&[b'\n'; 4096]).is_ok() {});
    let mut command = command(&address, &["agent", "logs", "demo", "-f"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    // The pipe is closed by now.
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}
