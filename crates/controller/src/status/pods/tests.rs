#![allow(
    clippy::needless_pass_by_value,
    clippy::large_stack_arrays,
    reason = "cases are written as literals"
)]

use serde_json::{Value, json};

use super::*;

fn pod(status: Value) -> Pod {
    serde_json::from_value(json!({ "metadata": { "name": "demo-1" }, "status": status })).unwrap()
}

fn main(state: Value) -> Pod {
    pod(json!({ "containerStatuses": [container("opencode-server", state)] }))
}

fn init(state: Value) -> Pod {
    pod(json!({
        "initContainerStatuses": [container("opencode-init", state)],
        "containerStatuses": [container("opencode-server", waiting("PodInitializing", ""))],
    }))
}

fn container(name: &str, state: Value) -> Value {
    let mut container = json!({
        "name": name, "image": "i", "imageID": "", "ready": false, "restartCount": 0,
    });
    container.as_object_mut().unwrap().extend(state.as_object().unwrap().clone());
    container
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({ "state": { "waiting": { "reason": reason, "message": message } } })
}

fn crashed(message: &str) -> Value {
    json!({
        "state": { "waiting": { "reason": "CrashLoopBackOff", "message": "back-off 10s" } },
        "lastState": { "terminated": { "exitCode": 2, "reason": "Error", "message": message } },
    })
}

#[test]
fn what_a_pod_waits_for() {
    let unschedulable = pod(json!({ "conditions": [{
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
        "message": "0/1 nodes are available: 1 Insufficient memory.",
    }] }));
    let ended = json!({ "state": { "terminated": { "exitCode": 1, "message": "one\ntwo\n\n" } } });
    let killed = json!({ "state": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } });
    let missing = waiting("CreateContainerConfigError", "secret \"keys\" not found");
    let cases = [
        (
            main(waiting("ErrImagePull", "no such host")),
            "ImagePullFailed",
            "container opencode-server: no such host",
        ),
        (
            init(waiting("ImagePullBackOff", "Back-off pulling image")),
            "ImagePullFailed",
            "container opencode-init: Back-off pulling image",
        ),
        (
            main(waiting(
                "ImagePullBackOff",
                "Back-off pulling image \"i\": ErrImagePull: no such host",
            )),
            "ImagePullFailed",
            "container opencode-server: no such host",
        ),
        (
            main(missing),
            "ReferenceNotFound",
            "container opencode-server: secret \"keys\" not found",
        ),
        (
            main(crashed("starting\nno such model\n")),
            "CrashLoop",
            "container opencode-server failed (exit code 2): no such model",
        ),
        (
            init(crashed("cp: not found")),
            "InitFailed",
            "container opencode-init failed (exit code 2): cp: not found",
        ),
        (init(ended), "InitFailed", "container opencode-init failed (exit code 1): two"),
        (main(killed), "CrashLoop", "container opencode-server failed (exit code 137): OOMKilled"),
        (unschedulable, "Unschedulable", "0/1 nodes are available: 1 Insufficient memory."),
    ];
    for (pod, reason, message) in cases {
        let expected = Problem { reason, message: message.to_owned() };
        assert_eq!(problem(&[&pod]), Some(expected));
    }
}

#[test]
fn a_configuration_that_cannot_be_used_is_not_always_a_missing_one() {
    for (message, reason) in [
        ("configmap \"env\" not found", "ReferenceNotFound"),
        ("couldn't find key token in Secret team-a/keys", "ReferenceNotFound"),
        ("references non-existent config key: token", "ReferenceNotFound"),
        ("container has runAsNonRoot and image will run as root", "CrashLoop"),
    ] {
        let problem = problem(&[&main(waiting("CreateContainerConfigError", message))]).unwrap();
        assert_eq!(problem.reason, reason, "{message}");
        assert!(problem.message.ends_with(message), "{}", problem.message);
    }
}

#[test]
fn a_pod_that_merely_starts_has_no_problem() {
    for pod in [
        init(waiting("PodInitializing", "")),
        main(waiting("ContainerCreating", "")),
        init(json!({ "state": { "terminated": { "exitCode": 0 } } })),
        main(json!({ "state": { "running": {} } })),
        pod(json!({})),
    ] {
        assert_eq!(problem(&[&pod]), None, "{pod:?}");
    }
}

#[test]
fn a_pod_that_ends_or_was_replaced_has_no_problem() {
    let dated = |at: &str, pod: &Pod| {
        let mut pod = pod.clone();
        pod.metadata.creation_timestamp = serde_json::from_value(json!(at)).unwrap();
        pod
    };
    let (broken, fine) = (main(crashed("x")), main(json!({ "state": { "running": {} } })));
    let older = dated("2026-11-21T12:00:00Z", &broken);
    let newer = dated("2026-11-21T12:00:01Z", &fine);
    assert_eq!(problem(&[&newer, &older]), None);

    let mut ending = broken;
    ending.metadata.deletion_timestamp = newer.metadata.creation_timestamp;
    assert_eq!(problem(&[&ending]), None);
}

#[test]
fn long_output_is_shortened_at_a_character() {
    let pod = main(crashed(&"ä".repeat(400)));
    let message = problem(&[&pod]).unwrap().message;
    assert!(message.ends_with("ä…"), "{message}");
    assert!(message.chars().count() < 400);
}
