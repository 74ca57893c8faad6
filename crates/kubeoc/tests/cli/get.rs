//! `kubeoc get`: tables, and objects as they are stored.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use serde_json::{Value, json};

use crate::api_server::{
    ApiServer, Request, assert_fails, demo, failure, list, ok, starting, stdout,
};

fn template() -> Value {
    json!({
        "apiVersion": "kubeopencode.io/v1alpha1", "kind": "AgentTemplate",
        "metadata": { "name": "base", "namespace": "team-a" },
        "spec": { "workspaceDir": "/workspace", "serviceAccountName": "reviewer" },
    })
}

/// An Agent that our types cannot decode at all.
fn odd() -> Value {
    json!({
        "metadata": { "name": "odd", "namespace": "team-b" },
        "spec": { "suspend": "perhaps", "templateRef": 7 },
        "status": { "conditions": 5 },
    })
}

fn user() -> Value {
    let mut agent = starting();
    agent["metadata"]["name"] = json!("user");
    agent["spec"] = json!({ "templateRef": { "name": "base" } });
    agent
}

fn holding(agents: Vec<Value>) -> ApiServer {
    ApiServer::start(move |request| match () {
        () if request.is_for("/agenttemplates") => list(&[template()]),
        () if request.is_for("/agenttemplates/base") => ok(&template()),
        () if request.is_for("/agents/demo") => ok(&demo()),
        () if request.is_for("/agents/user") => ok(&user()),
        () if request.is_for("/agents/gone") => failure(404, Some("gone")),
        () => list(&agents),
    })
}

fn three() -> ApiServer {
    holding(vec![demo(), user(), odd()])
}

#[test]
fn agents_are_listed_and_an_odd_one_is_one_odd_row() {
    let agents = stdout(&three().run(&["get", "agents"]));
    insta::assert_snapshot!(agents, @r"
    NAME   SERVICEACCOUNT   READY   STATUS       SHARE           AGE
    demo   <none>           true    Ready        Active          <unknown>
    user   <none>           false   Starting     AgentNotReady   <unknown>
    odd    <none>           false   Unreadable   <none>          <unknown>
    ");
    for alias in ["agent", "ag"] {
        assert_eq!(stdout(&three().run(&["get", alias])), agents);
    }
}

#[test]
fn all_namespaces_are_one_request_and_one_column() {
    let server = three();
    insta::assert_snapshot!(stdout(&server.run(&["get", "agents", "-A", "-l", "team=a"])), @r"
    NAMESPACE   NAME   SERVICEACCOUNT   READY   STATUS       SHARE           AGE
    team-a      demo   <none>           true    Ready        Active          <unknown>
    team-a      user   <none>           false   Starting     AgentNotReady   <unknown>
    team-b      odd    <none>           false   Unreadable   <none>          <unknown>
    ");
    let path = "GET /apis/kubeopencode.io/v1alpha1/agents?";
    let lines = server.lines();
    assert!(matches!(&lines[..], [line] if line.starts_with(path)), "{lines:?}");
    assert!(lines[0].contains("labelSelector=team%3Da"), "{lines:?}");
}

#[test]
fn templates_show_who_uses_them() {
    let templates = stdout(&three().run(&["get", "templates"]));
    insta::assert_snapshot!(templates, @r"
    NAME   SERVICEACCOUNT   AGENTS   AGE
    base   reviewer         1        <unknown>
    ");
    for alias in ["template", "agenttemplates", "agt"] {
        assert_eq!(stdout(&three().run(&["get", alias])), templates);
    }
    insta::assert_snapshot!(stdout(&three().run(&["get", "templates", "base", "-o", "wide"])), @r"
    NAME   IMAGE    WORKSPACEDIR   SERVICEACCOUNT   AGENTS   USEDBY   AGE
    base   <none>   /workspace     reviewer         1        user     <unknown>
    ");
}

#[test]
fn the_agents_of_a_template_are_listed_by_their_label() {
    let help = stdout(&three().run(&["get", "templates", "--help"]));
    assert!(help.contains("kubeoc get agents -l kubeopencode.io/agent-template=NAME\n"), "{help}");
}

#[test]
fn several_names_are_several_rows_or_a_list() {
    insta::assert_snapshot!(stdout(&three().run(&["get", "agents", "user", "demo"])), @r"
    NAME   SERVICEACCOUNT   READY   STATUS     SHARE           AGE
    user   <none>           false   Starting   AgentNotReady   <unknown>
    demo   <none>           true    Ready      Active          <unknown>
    ");
    let both = stdout(&three().run(&["get", "agents", "user", "demo", "-o", "json"]));
    let both: Value = both.parse().unwrap();
    assert_eq!((&both["kind"], &both["items"][1]), (&json!("List"), &demo()));
    let output = three().run(&["get", "agents", "demo", "gone"]);
    assert_fails(&output, 3, "agent \"gone\" not found");
}

#[test]
fn headings_can_be_left_out() {
    let rows = stdout(&three().run(&["get", "agents", "--no-headers"]));
    insta::assert_snapshot!(rows, @r"
    demo   <none>   true    Ready        Active          <unknown>
    user   <none>   false   Starting     AgentNotReady   <unknown>
    odd    <none>   false   Unreadable   <none>          <unknown>
    ");
    let rows = stdout(&three().run(&["get", "templates", "--no-headers"]));
    assert_eq!(rows, "base   reviewer   1   <unknown>\n");
}

#[test]
fn a_long_list_is_read_page_by_page() {
    let page = |request: &Request| {
        let next = if request.line.contains("continue=second") { "" } else { "second" };
        let metadata = json!({ "resourceVersion": "1", "continue": next });
        let kind = "AgentList";
        let items = [if next.is_empty() { user() } else { demo() }];
        ok(&json!({ "apiVersion": "v1", "kind": kind, "metadata": metadata, "items": items }))
    };
    let server = ApiServer::start(page);
    let names = stdout(&server.run(&["get", "agents", "-o", "name"]));
    assert_eq!(names, "agent.kubeopencode.io/demo\nagent.kubeopencode.io/user\n");
    assert_eq!(server.lines().len(), 2);
}

#[test]
fn scripts_get_the_objects_as_they_are_stored() {
    let one: Value = stdout(&three().run(&["get", "agent", "demo", "-o", "json"])).parse().unwrap();
    assert_eq!(one, demo());
    let all: Value = stdout(&three().run(&["get", "agents", "-o", "json"])).parse().unwrap();
    assert_eq!(all["kind"], "List");
    assert_eq!(all["items"][2]["spec"], odd()["spec"], "what our types cannot decode is there too");
    let yaml = stdout(&three().run(&["get", "template", "base", "-o", "yaml"]));
    assert!(
        yaml.starts_with("apiVersion: kubeopencode.io/v1alpha1\nkind: AgentTemplate\n"),
        "{yaml}"
    );
}

#[test]
fn an_empty_list_is_no_error_and_nothing_for_scripts_to_read() {
    let output = holding(vec![]).run(&["get", "agents"]);
    assert_eq!(stdout(&output), "");
    assert_eq!(output.stderr, b"No resources found in team-a namespace.\n");
    let output = holding(vec![]).run(&["get", "agents", "-A", "-o", "name"]);
    assert_eq!((stdout(&output).as_str(), &output.stderr[..]), ("", &b"No resources found\n"[..]));
    let empty: Value = stdout(&holding(vec![]).run(&["get", "ag", "-o", "json"])).parse().unwrap();
    assert_eq!(empty["items"], json!([]));
}

/// The lines that `kubeoc get agents --watch` prints of one agent which is deleted in the end.
#[test]
fn a_watch_prints_the_rows_that_change() {
    let server = ApiServer::start(|request| match () {
        () if request.watches() && request.line.contains("resourceVersion=1") => {
            let mut ready = demo();
            ready["metadata"]["resourceVersion"] = json!("2");
            let event =
                |kind: &str, agent: &Value| format!("{{\"type\":\"{kind}\",\"object\":{agent}}}\n");
            let unchanged = event("MODIFIED", &starting());
            (200, unchanged + &event("MODIFIED", &ready) + &event("DELETED", &ready))
        }
        () => list(&[starting()]),
    });
    let mut command = server.command(&["get", "agents", "-w"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().take(4);
    let lines: Vec<String> = lines.map(Result::unwrap).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    insta::assert_snapshot!(lines.join("\n"), @r"
    NAME   SERVICEACCOUNT   READY   STATUS     SHARE           AGE
    demo   <none>           false   Starting   AgentNotReady   <unknown>
    demo   <none>           true    Ready      Active          <unknown>
    demo   <none>           false   Deleted    Active          <unknown>
    ");
}

#[test]
fn a_watch_of_what_does_not_exist_or_is_no_table_fails() {
    let server = ApiServer::start(|_| failure(404, Some("demo")));
    assert_fails(&server.run(&["get", "agents", "demo", "-w"]), 3, "agent \"demo\" not found");
    assert_fails(&server.run(&["get", "agents", "-w", "-o", "json"]), 2, "--watch prints tables");
    assert_fails(&server.run(&["get", "agents", "-w", "a", "b"]), 2, "--watch follows one agent");
    let forbidden = ApiServer::start(|_| failure(403, None));
    assert_fails(&forbidden.run(&["get", "agents", "-w"]), 5, "not allowed to list agents");
}

#[test]
fn a_list_that_breaks_off_is_not_printed_in_part() {
    let server = ApiServer::start(|request| {
        if request.line.contains("continue=") {
            return failure(410, None);
        }
        let metadata = json!({ "resourceVersion": "1", "continue": "second" });
        ok(&json!({ "apiVersion": "v1", "kind": "L", "metadata": metadata, "items": [demo()] }))
    });
    assert_fails(&server.run(&["get", "agents"]), 1, "as the server says");
}
