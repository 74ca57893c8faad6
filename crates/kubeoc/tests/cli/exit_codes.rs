//! Each exit code that `--help` documents.

use std::{
    net::TcpListener,
    process::{Command, Output},
};

use crate::api_server::{ApiServer, assert_fails, command, demo, failure, ok, secret};

fn kubeoc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_kubeoc")).args(arguments).output().unwrap()
}

/// The agent `demo` with a link, and its Secret.
fn shared() -> ApiServer {
    ApiServer::start(|request| {
        if request.is_for("/secrets/demo-share") { ok(&secret(None)) } else { ok(&demo()) }
    })
}

#[test]
fn success_is_code_0() {
    let output = shared().run(&["agent", "share", "demo", "--show", "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for arguments in [&["--help"][..], &["version", "--client"], &["agent", "share", "--help"]] {
        let output = kubeoc(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(!output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn every_command_documents_the_exit_codes() {
    let commands = [
        &["get", "agents"][..],
        &["get", "templates"],
        &["agent", "status"],
        &["agent", "logs"],
        &["agent", "attach"],
        &["agent", "suspend"],
        &["agent", "resume"],
        &["agent", "share"],
        &["agent", "unshare"],
        &["certificates", "renew"],
        &["check"],
        &["version"],
    ];
    for command in commands {
        let help = kubeoc(&[command, &["--help"]].concat()).stdout;
        let help = String::from_utf8(help).unwrap();
        assert!(help.contains("5  permission denied"), "{command:?}: {help}");
    }
}

#[test]
fn a_server_error_or_none_at_all_is_code_1() {
    let refuses = ApiServer::start(|_| failure(500, Some("demo")));
    assert_fails(&refuses.run(&["agent", "share", "demo"]), 1, "as the server says");

    // A port that was free a moment ago.
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let closed = format!("http://{closed}");
    let output = command(&closed, &["agent", "share", "demo", "--show"]).output().unwrap();
    assert_fails(&output, 1, "cannot reach the API server");
}

#[test]
fn a_wrong_command_line_is_code_2() {
    assert_fails(&kubeoc(&["agent", "share", "demo", "--no-such-flag"]), 2, "--no-such-flag");
    assert_fails(&kubeoc(&["agent", "share"]), 2, "NAME");
    assert_fails(&kubeoc(&["get", "agents", "demo", "-A"]), 2, "--all-namespaces");
    assert_fails(&kubeoc(&["get", "agents", "demo", "-l", "a=b"]), 2, "--selector");
    // What only the values tell.
    let flags = ["agent", "share", "demo", "--expires-in", "9000y"];
    assert_fails(&shared().run(&flags), 2, "--expires-in");
}

#[test]
fn a_server_that_does_not_answer_in_time_is_code_4() {
    // It accepts connections, in its backlog, and never reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", silent.local_addr().unwrap());
    for arguments in [
        &["agent", "share", "demo"][..],
        &["agent", "status", "demo"],
        &["agent", "suspend", "demo"],
        &["agent", "logs", "demo"],
        &["get", "agents"],
        &["get", "templates", "-A"],
    ] {
        let output = command(&server, &[arguments, &["--timeout", "50ms"]].concat()).output();
        assert_fails(&output.unwrap(), 4, "waiting for the API server");
    }
}
