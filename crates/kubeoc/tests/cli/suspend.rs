//! `kubeoc agent suspend` and `resume`: one field is patched, and its effect waited for.

use serde_json::{Value, json};

use crate::api_server::{
    ApiServer, assert_fails, condition, demo, event, list, ok, starting, stdout,
};

fn suspended(reason: &str) -> Value {
    let mut agent = demo();
    agent["status"]["ready"] = json!(false);
    agent["status"]["suspended"] = json!(true);
    agent["status"]["conditions"] = json!([
        condition("Ready", "False", "Suspended", "the agent is suspended"),
        condition("Suspended", "True", reason, ""),
    ]);
    agent
}

/// Answers a patch with `patched`, a list with `before`, and a watch with `after`.
fn changing(patched: Value, before: Value, after: Value) -> ApiServer {
    ApiServer::start(move |request| match () {
        () if request.line.starts_with("PATCH ") => ok(&patched),
        () if request.watches() => event(&after),
        () => list(std::slice::from_ref(&before)),
    })
}

#[test]
fn suspending_patches_one_field_and_waits_until_the_pod_is_gone() {
    let server = changing(demo(), demo(), suspended("UserRequested"));
    let output = server.run(&["agent", "suspend", "demo"]);
    assert_eq!(stdout(&output), "Agent team-a/demo is suspended\n");
    assert_eq!(output.stderr, b"waiting for the controller to stop the agent's pod\n");
    let path = "PATCH /apis/kubeopencode.io/v1alpha1/namespaces/team-a/agents/demo";
    let [(line, change)] = &server.changes()[..] else { panic!("{:?}", server.changes()) };
    assert!(line.starts_with(path), "{line}");
    assert_eq!(change, &json!({ "spec": { "suspend": true } }));
}

#[test]
fn resuming_waits_until_the_agent_is_ready_and_says_what_it_does_meanwhile() {
    let server = changing(suspended("UserRequested"), starting(), demo());
    let output = server.run(&["agent", "resume", "demo"]);
    assert_eq!(stdout(&output), "Agent team-a/demo is ready\n");
    let waited = b"waiting for the agent to be ready: git-init-0 clones the repository\n";
    assert_eq!(output.stderr, waited);
    let changes = server.changes();
    assert_eq!(
        changes.iter().map(|(_, body)| body.clone()).collect::<Vec<_>>(),
        [json!({ "spec": { "suspend": false } })]
    );
}

#[test]
fn an_agent_in_standby_is_woken_by_a_sign_of_life() {
    let server = changing(suspended("Standby"), starting(), demo());
    assert_eq!(stdout(&server.run(&["agent", "resume", "demo"])), "Agent team-a/demo is ready\n");
    let changes = server.changes();
    let annotations = changes[1].1["metadata"]["annotations"].as_object().unwrap();
    let keys: Vec<_> = annotations.keys().map(String::as_str).collect();
    assert_eq!((changes.len(), keys), (2, vec!["kubeopencode.io/last-connection-active"]));
}

/// The one clock is that of this machine, the other that of the controller.
#[test]
fn an_agent_that_fell_asleep_by_a_clock_that_is_ahead_is_woken() {
    let mut asleep = suspended("Standby");
    asleep["status"]["conditions"][1]["lastTransitionTime"] = json!("2999-11-21T12:00:00Z");
    let server = changing(asleep, starting(), demo());
    assert_eq!(stdout(&server.run(&["agent", "resume", "demo"])), "Agent team-a/demo is ready\n");
    let annotations = &server.changes()[1].1["metadata"]["annotations"];
    let expected = json!({ "kubeopencode.io/last-connection-active": "2999-11-21T12:00:01Z" });
    assert_eq!(annotations, &expected);
}

#[test]
fn without_waiting_the_change_is_all() {
    let server = changing(demo(), demo(), demo());
    let printed = stdout(&server.run(&["agent", "suspend", "demo", "--no-wait"]));
    assert_eq!(printed, "Agent team-a/demo is to be suspended\n");
    assert_eq!(server.lines().len(), 1);
}

#[test]
fn what_does_not_happen_in_time_is_code_4_and_named() {
    let server = changing(starting(), starting(), starting());
    let output = server.run(&["agent", "resume", "demo", "--timeout", "2s"]);
    let says = "timed out after 2s waiting for the agent to be ready: git-init-0 clones";
    assert_fails(&output, 4, says);
}

#[test]
fn an_agent_that_is_deleted_meanwhile_is_code_3() {
    let gone =
        ApiServer::start(
            |request| {
                if request.line.starts_with("PATCH ") { ok(&demo()) } else { list(&[]) }
            },
        );
    assert_fails(&gone.run(&["agent", "resume", "demo"]), 3, "the agent was deleted");
}
