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

#[test]
fn a_sleeping_agent_says_how_it_wakes_and_a_starting_one_what_it_does() {
    let asleep = Given { deployment: Some(suspended()), state: State::Asleep, ..given() };
    let message = ready(&of(&asleep)).message;
    assert!(message.contains("kubeoc agent resume"), "{message}");
    let starting = Given { deployment: Some(deployment(json!({}))), ..given() };
    let message = ready(&of(&starting)).message;
    assert_eq!(StartPhase::from_message(&message), Some(StartPhase::Scheduling));
}
