use api_types::{
    AgentSpec, AgentStatus, Condition,
    condition::{READY, SUSPENDED, reason},
};
use fixtures::metrics::assert_documented;
use kube::runtime::{
    reflector::{store, store::Writer},
    watcher::Event,
};
use serde_json::json;
use time::Duration as Span;

use super::*;

/// A condition of so many seconds ago.
fn condition(type_: &str, status: &str, reason: &str, seconds: i64) -> Condition {
    let since = daemon::clock::now() - Span::seconds(seconds);
    let since = api_types::time_convert::to_k8s_time(since);
    let mut condition: Condition = serde_json::from_value(json!({
        "type": type_, "status": status, "reason": reason, "message": "",
        "lastTransitionTime": "2026-11-21T12:00:00Z",
    }))
    .unwrap();
    condition.last_transition_time = since;
    condition
}

fn agent(name: &str, conditions: Vec<Condition>) -> Agent {
    let mut agent = crate::fixture::agent(AgentSpec::default());
    agent.metadata.name = Some(name.to_owned());
    let created = daemon::clock::now() - Span::seconds(5);
    agent.metadata.creation_timestamp = Some(api_types::time_convert::to_k8s_time(created));
    agent.status = Some(AgentStatus { conditions, ..AgentStatus::default() });
    agent
}

fn add(agents: &mut Writer<Guarded<Agent>>, agent: Agent) {
    agents.apply_watcher_event(&Event::Apply(Guarded(Ok(agent))));
}

#[test]
fn what_the_controller_exposes_is_documented() {
    let process = daemon::Metrics::new("test");
    let metrics = Metrics::new(&process);
    let (agents, mut writer) = store();
    metrics.report_agents(&agents);
    for (number, reason) in agents::REASONS.iter().chain(&["FromElsewhere"]).enumerate() {
        let status = if *reason == reason::SERVER_READY { "True" } else { "False" };
        let ready = condition(READY, status, reason, 60);
        add(&mut writer, agent(&format!("agent-{number}"), vec![ready]));
    }
    add(&mut writer, agent("new", vec![]));
    metrics.reconciled();
    metrics.reconcile_failed("forbidden");
    // The words of `ControllerError::category`, and the queue's.
    for category in [
        "conflict",
        "refused",
        "transport",
        "timeout",
        "watches_ended",
        "random",
        "json",
        "connect",
        "lease_lost",
        "queue",
    ] {
        metrics.failed(category);
    }
    metrics.watch_failed("Agent");
    assert_documented(&process.encode().unwrap(), &["Controller"]);
}

#[test]
fn the_agents_are_counted_by_state_and_the_longest_without_a_server_is_told() {
    let process = daemon::Metrics::new("test");
    let (agents, mut writer) = store();
    Metrics::new(&process).report_agents(&agents);
    let pulling = |seconds| condition(READY, "False", reason::IMAGE_PULL_FAILED, seconds);
    add(&mut writer, agent("a", vec![pulling(10)]));
    add(&mut writer, agent("b", vec![pulling(4000)]));
    // It was asleep for a day, and was woken 20 s ago.
    let woken = condition(SUSPENDED, "False", reason::ACTIVE, 20);
    let starting = condition(READY, "False", reason::PROGRESSING, 86_400);
    add(&mut writer, agent("c", vec![starting, woken]));
    add(&mut writer, agent("d", vec![condition(READY, "False", reason::SUSPENDED, 86_400)]));

    let page = process.encode().unwrap();
    let value = |series: &str| -> f64 {
        let line = page.lines().find_map(|line| line.strip_prefix(series));
        line.unwrap_or_else(|| panic!("{series} is not in\n{page}")).trim().parse().unwrap()
    };
    let count =
        |reason| value(&format!("kubeopencode_agents{{ready=\"False\",reason=\"{reason}\"}}"));
    let seconds =
        |reason| value(&format!("kubeopencode_agents_not_ready_seconds{{reason=\"{reason}\"}}"));
    let near = |value: f64, expected: f64| (value - expected).abs() < 5.0;
    assert!((count("ImagePullFailed") - 2.0).abs() < 0.1, "{page}");
    assert!(near(seconds("ImagePullFailed"), 4000.0), "{page}");
    assert!(near(seconds("Progressing"), 20.0), "since it was woken: {page}");
    assert!(!page.contains("seconds{reason=\"Suspended\"}"), "its owner wants it so: {page}");
}

#[test]
fn what_the_alert_counts_is_there_before_it_happens() {
    let process = daemon::Metrics::new("test");
    Metrics::new(&process);
    let text = process.encode().unwrap();
    for result in ["ok", "error"] {
        let counter = format!("kubeopencode_reconciles_total{{result=\"{result}\"}} 0");
        assert!(text.contains(&counter), "{counter} is not in {text}");
    }
}
