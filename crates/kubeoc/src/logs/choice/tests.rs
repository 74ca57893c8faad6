use serde_json::{Value, json};

use super::*;

/// Two init containers, of which one runs beside the server, and the server.
fn pod(name: &str, created: &str, statuses: &Value) -> Pod {
    serde_json::from_value(json!({
        "metadata": { "name": name, "creationTimestamp": created },
        "spec": {
            "initContainers": [
                { "name": "git-sync-0", "restartPolicy": "Always" },
                { "name": "git-init-0" },
            ],
            "containers": [{ "name": "opencode-server" }],
        },
        "status": statuses,
    }))
    .unwrap()
}

fn status(name: &str, state: &Value) -> Value {
    json!({
        "name": name, "state": state, "image": "", "imageID": "", "ready": false,
        "restartCount": 0,
    })
}

fn running() -> Value {
    json!({ "running": {} })
}

fn waiting() -> Value {
    json!({ "waiting": { "reason": "PodInitializing" } })
}

fn up(name: &str, created: &str) -> Pod {
    pod(name, created, &json!({ "containerStatuses": [status("opencode-server", &running())] }))
}

fn of(pod: &str) -> Choice {
    Choice::Of { pod: pod.into(), container: "opencode-server".into() }
}

#[test]
fn the_newest_pod_is_read_and_one_that_ends_only_if_there_is_no_other() {
    let (old, new) = (up("old", "2026-11-21T12:00:00Z"), up("new", "2026-11-21T13:00:00Z"));
    let mut ending = new.clone();
    ending.metadata.deletion_timestamp = ending.metadata.creation_timestamp.clone();
    let choose = |pods: &[Pod]| choose(pods, "opencode-server", Run::Current);
    assert_eq!(choose(&[old.clone(), new]), of("new"));
    assert_eq!(choose(&[old, ending.clone()]), of("old"));
    assert_eq!(choose(&[ending]), of("new"));
    assert_eq!(choose(&[]), Choice::NoPod);
}

#[test]
fn an_unknown_container_is_told_from_those_that_there_are() {
    let choice = choose(&[up("demo", "2026-11-21T12:00:00Z")], "server", Run::Current);
    assert_eq!(
        choice.sentence("starting"),
        "the agent's pod has no container \"server\"; it has: git-sync-0, git-init-0, opencode-server"
    );
}

#[test]
fn a_container_that_has_not_started_names_the_one_it_waits_for() {
    let statuses = json!({
        "initContainerStatuses": [
            status("git-sync-0", &running()), status("git-init-0", &running()),
        ],
        "containerStatuses": [status("opencode-server", &waiting())],
    });
    let pods = [pod("demo", "2026-11-21T12:00:00Z", &statuses)];
    let server = choose(&pods, "opencode-server", Run::Current);
    assert_eq!(
        server.sentence("cloning"),
        "container opencode-server has not started yet: cloning; it waits for git-init-0, whose \
         logs are printed with -c git-init-0"
    );
    let init = choose(&pods, "git-init-0", Run::Current);
    assert_eq!(init, Choice::Of { pod: "demo".into(), container: "git-init-0".into() });
    // Whether there was one before, only the API server knows.
    assert_eq!(choose(&pods, "opencode-server", Run::Previous), of("demo"));
}

#[test]
fn a_container_that_crashes_again_and_again_has_logs() {
    let mut crashing =
        status("opencode-server", &json!({ "waiting": { "reason": "CrashLoopBackOff" } }));
    crashing["lastState"] = json!({ "terminated": { "exitCode": 1 } });
    let statuses = json!({ "containerStatuses": [crashing] });
    let pods = [pod("demo", "2026-11-21T12:00:00Z", &statuses)];
    assert_eq!(choose(&pods, "opencode-server", Run::Current), of("demo"));
}

#[test]
fn a_pod_that_no_node_takes_waits_for_no_container() {
    let pods = [pod("demo", "2026-11-21T12:00:00Z", &json!({}))];
    let choice = choose(&pods, "opencode-server", Run::Current);
    let expected = "container opencode-server has not started yet: no node fits";
    assert_eq!(choice.sentence("no node fits"), expected);
}
