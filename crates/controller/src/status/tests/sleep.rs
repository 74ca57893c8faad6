//! What the status says of an agent that sleeps, or starts.

use api_types::StartPhase;

use super::*;

#[test]
fn an_agent_sleeps_and_wakes_as_it_was_decided() {
    let cases = [
        (
            "asleep",
            Given { deployment: Some(suspended()), state: State::Asleep, ..given() },
            [
                "ServerReady=False Suspended",
                "ServerHealthy=False DeploymentNotReady",
                "Suspended=True Standby",
                "Ready=False Suspended",
            ],
        ),
        (
            "asleep, and its Deployment was deleted",
            Given { deployment: None, state: State::Asleep, ..given() },
            [
                "ServerReady=False Suspended",
                "ServerHealthy=False DeploymentNotReady",
                "Suspended=True Standby",
                "Ready=False Suspended",
            ],
        ),
        (
            "woken, and not scaled yet",
            Given { deployment: Some(suspended()), ..given() },
            [
                "ServerReady=False DeploymentNotReady",
                "ServerHealthy=False DeploymentNotReady",
                "Suspended=False Active",
                "Ready=False Progressing",
            ],
        ),
    ];
    for (name, given, expected) in cases {
        assert_eq!(conditions(&of(&given)), expected, "{name}");
    }
}

/// For as long as five minutes the Deployment has no ready pod then.
#[test]
fn an_agent_whose_sidecar_reports_is_ready_all_the_same() {
    let container = |name: &str, ready: bool| json!({ "name": name, "image": "", "imageID": "", "restartCount": 3, "ready": ready });
    let pod = |server: bool| {
        let containers = [container("opencode-server", server), container("git-sync-0", false)];
        let unready = json!({ "type": "ContainersReady", "status": "False" });
        let status =
            json!({ "phase": "Running", "conditions": [unready], "containerStatuses": containers });
        serde_json::from_value::<Pod>(json!({ "metadata": {}, "status": status })).unwrap()
    };
    let updated = || Some(deployment(json!({ "updatedReplicas": 1 })));
    let status = |pod: Pod, deployment| of(&Given { deployment, pods: vec![pod], ..given() });
    assert!(status(pod(true), updated()).ready);
    assert!(!status(pod(false), updated()).ready, "its server is not");
    let outdated = Some(deployment(json!({ "updatedReplicas": 0 })));
    assert!(!status(pod(true), outdated).ready, "it is not what was asked for last");
}

#[test]
fn a_sleeping_agent_says_how_it_wakes_and_a_starting_one_what_it_does() {
    let asleep = Given { deployment: Some(suspended()), state: State::Asleep, ..given() };
    let message = ready(&of(&asleep)).message;
    assert!(message.contains("kubeoc agent resume"), "{message}");
    let starting = Given { deployment: Some(deployment(json!({}))), ..given() };
    let message = ready(&of(&starting)).message;
    assert_eq!(StartPhase::from_message(&message), Some(StartPhase::Scheduling));
}
