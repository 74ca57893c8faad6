//! `kubeoc agent status`: what an agent waits for, and what to do.

use serde_json::{Value, json};

use crate::api_server::{ApiServer, condition, demo, ok, stdout, token};

fn holding(agent: Value) -> ApiServer {
    ApiServer::start(move |_| ok(&agent))
}

#[test]
fn an_agent_that_runs_is_summed_up() {
    insta::assert_snapshot!(stdout(&holding(demo()).run(&["agent", "status", "demo"])), @r"
    Agent:        team-a/demo
    State:        Ready
    Message:      the agent's server answers
    Share:        active; print the link with: kubeoc agent share demo -n team-a --show
    ");
}

#[test]
fn an_agent_that_fails_is_no_failure_of_the_command() {
    let mut agent = demo();
    agent["status"]["conditions"] = json!([condition(
        "Ready",
        "False",
        "ImagePullFailed",
        "container opencode-server: no such image"
    )]);
    let server = holding(agent);
    let printed = stdout(&server.run(&["agent", "status", "demo"]));
    assert!(printed.contains("State:        ImagePullFailed\n"), "{printed}");
    assert!(printed.contains("To do:        Correct the name of the image"), "{printed}");
    let report: Value =
        stdout(&server.run(&["agent", "status", "demo", "-o", "json"])).parse().unwrap();
    assert_eq!(report["message"], "container opencode-server: no such image");
}

#[test]
fn neither_the_token_nor_its_secret_is_read() {
    let server = holding(demo());
    for format in [&["agent", "status", "demo"][..], &["agent", "status", "demo", "-o", "yaml"]] {
        let printed = stdout(&server.run(format));
        assert!(!printed.contains(token().expose()), "{printed}");
        assert!(!printed.contains(&token().lookup().to_string()), "{printed}");
    }
    assert!(server.lines().iter().all(|line| !line.contains("secrets")), "{:?}", server.lines());
}
