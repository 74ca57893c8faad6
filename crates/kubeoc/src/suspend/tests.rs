use serde_json::{Value, json};

use super::*;

fn demo(status: &Value) -> Stored<Agent> {
    let agent = json!({ "metadata": { "name": "demo", "generation": 2 }, "status": status });
    serde_json::from_str(&agent.to_string()).unwrap()
}

fn condition(kind: &str, truth: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": truth, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-21T12:00:00Z",
    })
}

fn observed(generation: i64, suspended: bool, ready: &Value) -> Stored<Agent> {
    demo(&json!({
        "observedGeneration": generation, "suspended": suspended, "conditions": [ready],
    }))
}

#[test]
fn a_status_of_before_the_change_counts_for_nothing() {
    let ready = condition("Ready", "True", "ServerReady", "");
    let asleep = condition("Ready", "False", "Suspended", "");
    for (agent, goal) in [
        (observed(1, false, &ready), Goal::Ready),
        (observed(1, true, &asleep), Goal::Suspended),
        (demo(&json!({})), Goal::Ready),
    ] {
        let what = missing(&agent, Some(2), goal);
        assert_eq!(what.as_deref(), Some("the controller to observe the change"));
    }
}

#[test]
fn a_goal_is_reached_or_what_is_missing_is_named() {
    let ready = || condition("Ready", "True", "ServerReady", "");
    let asleep = || condition("Ready", "False", "Suspended", "the agent is suspended");
    let odd = || condition("Ready", "False", "InvalidSpec", "spec.port: too large");
    let cases = vec![
        (observed(2, false, &ready()), Goal::Ready, None),
        (observed(2, true, &asleep()), Goal::Suspended, None),
        (
            observed(2, true, &asleep()),
            Goal::Ready,
            Some("the agent to be ready: the agent is suspended"),
        ),
        (
            observed(2, false, &ready()),
            Goal::Suspended,
            Some("the controller to stop the agent's pod"),
        ),
        (
            observed(2, false, &odd()),
            Goal::Suspended,
            Some("the controller to stop the agent's pod: spec.port: too large"),
        ),
        // Suspended, and invalid besides: it has no pod all the same.
        (observed(3, true, &odd()), Goal::Suspended, None),
    ];
    for (agent, goal, expected) in cases {
        assert_eq!(missing(&agent, Some(2), goal).as_deref(), expected);
    }
}
