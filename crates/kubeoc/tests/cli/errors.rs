//! What goes wrong is told in the same words, and by the same exit codes, by every command.

use std::process::Command;

use crate::api_server::{ApiServer, assert_fails, failure};

/// Every command that asks the cluster, and the permission that it needs first.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["get", "agents"], "list agents.kubeopencode.io"),
    (&["get", "agents", "demo"], "get agents.kubeopencode.io"),
    (&["get", "agents", "-o", "yaml"], "list agents.kubeopencode.io"),
    (&["get", "templates"], "list agenttemplates.kubeopencode.io"),
    (&["get", "templates", "demo", "-o", "name"], "get agenttemplates.kubeopencode.io"),
    (&["agent", "status", "demo"], "get agents.kubeopencode.io"),
    (&["agent", "logs", "demo"], "get agents.kubeopencode.io"),
    (&["agent", "suspend", "demo"], "patch agents.kubeopencode.io"),
    (&["agent", "resume", "demo"], "patch agents.kubeopencode.io"),
    (&["agent", "share", "demo"], "patch agents.kubeopencode.io"),
    (&["agent", "share", "demo", "--show"], "get agents.kubeopencode.io"),
    (&["agent", "unshare", "demo"], "get agents.kubeopencode.io"),
];

#[test]
fn a_kubeconfig_that_is_not_there_is_code_1() {
    for (arguments, _) in COMMANDS {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubeoc"));
        command.args(*arguments).args(["--kubeconfig", "/does/not/exist"]);
        assert_fails(&command.output().unwrap(), 1, "cannot read the kubeconfig");
    }
}

#[test]
fn what_does_not_exist_is_code_3() {
    let no_object = ApiServer::start(|_| failure(404, Some("demo")));
    for (arguments, _) in COMMANDS.iter().filter(|(arguments, _)| arguments.contains(&"demo")) {
        let kind = if arguments.contains(&"templates") { "agent template" } else { "agent" };
        let says = format!("{kind} \"demo\" not found in namespace \"team-a\"");
        assert_fails(&no_object.run(arguments), 3, &says);
    }
}

#[test]
fn a_cluster_without_kubeopencode_is_code_3() {
    let no_kind = ApiServer::start(|_| failure(404, None));
    for (arguments, _) in COMMANDS {
        assert_fails(&no_kind.run(arguments), 3, "KubeOpenCode is not installed");
    }
}

#[test]
fn a_missing_permission_or_identity_is_code_5() {
    let forbidden = ApiServer::start(|_| failure(403, Some("demo")));
    let unknown = ApiServer::start(|_| failure(401, None));
    for (arguments, permission) in COMMANDS {
        let says = format!("not allowed to {permission} in namespace \"team-a\"");
        assert_fails(&forbidden.run(arguments), 5, &says);
        assert_fails(&unknown.run(arguments), 5, "rejected your credentials");
    }
    let everywhere = forbidden.run(&["get", "agents", "-A"]);
    assert_fails(&everywhere, 5, "not allowed to list agents.kubeopencode.io in all namespaces");
}

#[test]
fn what_the_server_says_cannot_drive_a_terminal() {
    let hostile = ApiServer::start(|_| {
        let (code, body) = failure(500, Some("demo"));
        (code, body.replace("as the server says", "\\u001b[2Jgone"))
    });
    let output = hostile.run(&["agent", "status", "demo"]);
    assert_fails(&output, 1, "\u{fffd}[2Jgone");
    assert!(!output.stderr.contains(&0x1b), "{output:?}");
}
