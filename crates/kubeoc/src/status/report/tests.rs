use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::{cli::Format, render::object};

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn condition(kind: &str, truth: &str, reason: &str, message: &str) -> Value {
    json!({
        "type": kind, "status": truth, "reason": reason, "message": message,
        "lastTransitionTime": "2026-11-21T12:00:00Z",
    })
}

/// Shared, with a template and a repository, and failing.
fn demo() -> Value {
    json!({
        "metadata": { "name": "demo", "namespace": "team-a", "generation": 2 },
        "spec": {
            "profile": "Reviews pull requests", "templateRef": { "name": "base" },
            "executorImage": "devbox:1", "serviceAccountName": "reviewer",
            "share": { "enabled": true, "allowedIPs": ["10.0.0.0/8"], "expiresAt": "2026-12-01T00:00:00Z" },
        },
        "status": {
            "observedGeneration": 2,
            "url": "http://demo.team-a.svc.cluster.local:4096",
            "conditions": [
                condition("Ready", "False", "InitFailed", "container git-init-1 failed (exit code 1): no route"),
                condition("ShareReady", "False", "AgentNotReady", "Share link waits for the agent"),
                condition("GitSyncPending", "True", "Diverged", "docs: the agent's own commits are in the way"),
            ],
            "gitSyncStatuses": [
                { "name": "code", "commitHash": "1a2b3c4", "lastSynced": "2026-11-21T11:55:00Z" },
                { "name": "docs" },
            ],
            "share": { "tokenLookup": "5eed", "tokenProof": "5eed" },
        },
    })
}

fn report(agent: &Value) -> Report {
    Report::of(&serde_json::from_str(&agent.to_string()).unwrap())
}

#[test]
fn an_agent_that_fails_says_why_and_what_to_do() {
    insta::assert_snapshot!(text(&report(&demo()), NOON), @r"
    Agent:        team-a/demo
    Profile:      Reviews pull requests
    Template:     base
    Image:        devbox:1
    Account:      reviewer
    State:        InitFailed
    Message:      container git-init-1 failed (exit code 1): no route
    To do:        See what it printed: kubeoc agent logs demo -n team-a -c git-init-1; once the cause is mended, it is tried again by itself
    URL:          http://demo.team-a.svc.cluster.local:4096
    Share:        not active: AgentNotReady: Share link waits for the agent
    Expires:      2026-12-01T00:00:00Z
    Allowed:      10.0.0.0/8
    Repositories: code: 1a2b3c4, synced 5m ago
                  docs: no commit yet, not synced yet
    Conditions:   GitSyncPending is True: Diverged: docs: the agent's own commits are in the way
    ");
}

#[test]
fn scripts_always_find_every_field() {
    let bare = json!({ "metadata": { "name": "bare", "namespace": "team-a" } });
    insta::assert_snapshot!(object(&report(&bare), Format::Json).unwrap(), @r#"
    {
      "agent": "bare",
      "namespace": "team-a",
      "profile": null,
      "template": null,
      "image": null,
      "serviceAccount": null,
      "state": "Pending",
      "ready": false,
      "suspended": false,
      "message": "no controller has reported on the agent yet",
      "unreadable": null,
      "advice": "Check that the controller runs: kubectl get deployment kubeopencode-controller -n kubeopencode-system",
      "url": null,
      "standby": null,
      "share": {
        "enabled": false,
        "active": false,
        "reason": null,
        "message": null,
        "expiresAt": null,
        "allowedIPs": []
      },
      "repositories": [],
      "conditions": []
    }
    "#);
    insta::assert_snapshot!(object(&report(&demo()).repositories, Format::Yaml).unwrap(), @r"
    - name: code
      commit: 1a2b3c4
      lastSynced: 2026-11-21T11:55:00Z
    - name: docs
      commit: null
      lastSynced: null
    ");
}

#[test]
fn what_grants_access_is_not_reported() {
    let agent = demo();
    let report = report(&agent);
    let all = text(&report, NOON) + &object(&report, Format::Json).unwrap();
    assert!(!all.contains("5eed"), "{all}");
}

#[test]
fn a_link_is_on_off_or_says_why_not() {
    let line = |change: &dyn Fn(&mut Value)| {
        let mut agent = demo();
        change(&mut agent);
        share_line(&report(&agent))
    };
    let active = line(&|agent| agent["status"]["share"]["active"] = json!(true));
    assert_eq!(active, "active; print the link with: kubeoc agent share demo -n team-a --show");
    let off = line(&|agent| agent["spec"]["share"]["enabled"] = json!(false));
    assert_eq!(off, "off; turn it on with: kubeoc agent share demo -n team-a");
    let unseen = line(&|agent| agent["status"] = json!({}));
    assert_eq!(unseen, "not active: the controller has not reported on the link yet");
}

#[test]
fn what_cannot_be_read_is_said_beside_what_the_controller_says() {
    let mut agent = demo();
    agent["spec"] = json!({ "suspend": "perhaps" });
    let printed = text(&report(&agent), NOON);
    assert!(printed.contains("State:        InitFailed\n"), "{printed}");
    assert!(printed.contains("Unreadable:   spec cannot be read: invalid type"), "{printed}");
}

#[test]
fn standby_says_when_an_agent_sleeps_and_since_when() {
    let line = |status: Value| {
        let mut agent = demo();
        agent["spec"]["standby"] = json!({ "idleTimeout": "30m" });
        agent["status"] = status;
        let printed = text(&report(&agent), NOON);
        let line = printed.lines().find_map(|line| line.strip_prefix("Standby:      "));
        line.map(str::to_owned)
    };
    let used = line(json!({}));
    assert_eq!(used.as_deref(), Some("sleeps after 30m without a connection"));
    let idle = line(json!({ "idleSince": "2026-11-21T11:55:00Z" }));
    let expected = "nobody connected for 5m; sleeps after 30m without a connection";
    assert_eq!(idle.as_deref(), Some(expected));
    let asleep = condition("Suspended", "True", "Standby", "");
    let asleep = line(json!({ "idleSince": "2026-11-21T11:00:00Z", "conditions": [asleep] }));
    let expected = "asleep for 0s; sleeps after 30m without a connection";
    assert_eq!(asleep.as_deref(), Some(expected));

    let mut agent = demo();
    agent["spec"]["standby"] = json!({ "idleTimeout": "30m" });
    agent["status"]["idleSince"] = json!("2026-11-21T11:55:00Z");
    insta::assert_snapshot!(object(&report(&agent).standby, Format::Yaml).unwrap(), @r"
    idleTimeout: 30m
    idleSince: 2026-11-21T11:55:00Z
    asleepSince: null
    ");
}

#[test]
fn an_agent_in_standby_is_told_how_it_wakes() {
    let mut agent = demo();
    agent["status"]["conditions"] = json!([
        condition("Ready", "False", "Suspended", "asleep"),
        condition("Suspended", "True", "Standby", "nobody was connected for 30m"),
    ]);
    let report = report(&agent);
    assert_eq!(report.state, "Asleep");
    let advice = report.advice.unwrap();
    assert!(advice.ends_with("to wake it: kubeoc agent resume demo -n team-a"), "{advice}");
}
