use std::collections::BTreeSet;

use serde_json::{Value, json};
use time::macros::datetime;

use super::*;
use crate::table::{View, table};

const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

fn row(agent: &Value) -> AgentRow {
    AgentRow::of(&serde_json::from_str(&agent.to_string()).unwrap(), NOON)
}

fn demo() -> Value {
    json!({
        "metadata": {
            "name": "demo", "namespace": "team-a", "creationTimestamp": "2026-11-21T11:55:00Z",
        },
        "spec": {
            "profile": "Reviews pull requests\nand merges them", "executorImage": "devbox:1",
            "serviceAccountName": "reviewer", "templateRef": { "name": "base" },
        },
        "status": {
            "ready": true,
            "conditions": [
                condition("Ready", "True", "ServerReady"), condition("ShareReady", "True", "Active"),
            ],
        },
    })
}

fn condition(kind: &str, truth: &str, reason: &str) -> Value {
    json!({
        "type": kind, "status": truth, "reason": reason, "message": "as the controller says",
        "lastTransitionTime": "2026-11-21T12:00:00Z",
    })
}

/// What the table says of an agent with this condition `Ready`.
fn word(truth: &str, reason: &str) -> String {
    let mut agent = demo();
    agent["status"]["conditions"] = json!([condition("Ready", truth, reason)]);
    row(&agent).status
}

#[test]
fn tables_look_as_kubectls() {
    let bare = json!({ "metadata": { "name": "bare", "namespace": "team-b" } });
    let rows = [row(&demo()), row(&bare)];
    insta::assert_snapshot!(table(COLUMNS, View::default(), &rows), @r"
    NAME   SERVICEACCOUNT   READY   STATUS    SHARE    AGE
    demo   reviewer         true    Ready     Active   5m
    bare   <none>           false   Pending   <none>   <unknown>
    ");
    let all = View { all_namespaces: true, wide: true, ..View::default() };
    insta::assert_snapshot!(table(COLUMNS, all, &rows), @r"
    NAMESPACE   NAME   PROFILE                    IMAGE      SERVICEACCOUNT   TEMPLATE   READY   STATUS    SHARE    AGE
    team-a      demo   Reviews pull requests...   devbox:1   reviewer         base       true    Ready     Active   5m
    team-b      bare   <none>                     <none>     <none>           <none>     false   Pending   <none>   <unknown>
    ");
}

#[test]
fn the_status_is_one_word() {
    let words = [
        (word("True", "ServerReady"), "Ready"),
        (word("False", "Progressing"), "Starting"),
        (word("False", "Suspended"), "Suspended"),
        (word("False", "ImagePullFailed"), "ImagePullFailed"),
        (word("Unknown", "Later"), "Later"),
    ];
    for (word, expected) in words {
        assert_eq!(word, expected);
    }
    let mut asleep = demo();
    asleep["status"]["conditions"] = json!([
        condition("Ready", "False", "Suspended"),
        condition("Suspended", "True", "Standby"),
    ]);
    assert_eq!(row(&asleep).status, "Asleep");
    asleep["status"]["conditions"][1]["reason"] = json!("UserRequested");
    assert_eq!(row(&asleep).status, "Suspended");
    let mut ending = demo();
    ending["metadata"]["deletionTimestamp"] = json!("2026-11-21T12:00:00Z");
    assert_eq!(row(&ending).status, "Terminating");
}

#[test]
fn a_controller_that_knows_no_condition_ready_is_understood() {
    let with = |status: Value| {
        let mut agent = demo();
        agent["status"] = status;
        row(&agent).status
    };
    assert_eq!(with(json!({ "ready": true })), "Ready");
    assert_eq!(with(json!({ "suspended": true })), "Suspended");
    assert_eq!(with(json!({})), "Pending");
}

#[test]
fn an_odd_agent_is_an_odd_row() {
    let mut agent = demo();
    agent["spec"]["share"] = json!({ "expiresAt": "tomorrow" });
    agent["status"] = json!({ "conditions": "none" });
    let odd = row(&agent);
    assert_eq!((odd.name.as_str(), odd.status.as_str()), ("demo", "Unreadable"));
    // Once the controller has said what is wrong, its word counts.
    agent["status"] = json!({ "conditions": [condition("Ready", "False", "InvalidSpec")] });
    assert_eq!(row(&agent).status, "InvalidSpec");
}

#[test]
fn every_column_that_kubectl_prints_is_there() {
    let crds = api_types::crds();
    for (crd, headings) in crds.iter().zip([
        COLUMNS.iter().map(|column| column.heading).collect::<BTreeSet<_>>(),
        crate::get::templates::COLUMNS.iter().map(|column| column.heading).collect(),
    ]) {
        for column in crd.spec.versions[0].additional_printer_columns.iter().flatten() {
            assert!(headings.contains(column.name.to_uppercase().as_str()), "{}", column.name);
        }
    }
}

fn stored(agent: &Value) -> Stored<Agent> {
    serde_json::from_str(&agent.to_string()).unwrap()
}

#[test]
fn only_rows_that_change_are_printed_anew() {
    let later = NOON + time::Duration::hours(1);
    let mut changes = Changes::default();
    let mut other = demo();
    other["status"]["ready"] = json!(false);
    let list = |changes: &mut Changes, agent: &Value, now| {
        changes.by(Change::ListBegins, now);
        assert_eq!(changes.by(Change::Listed(stored(agent)), now), []);
        changes.by(Change::ListEnds, now)
    };
    assert_eq!(list(&mut changes, &demo(), NOON), [row(&demo())]);
    assert_eq!(changes.by(Change::Applied(stored(&demo())), later), [], "older, and else the same");
    assert_eq!(changes.by(Change::Applied(stored(&other)), NOON), [row(&other)]);
    assert_eq!(list(&mut changes, &other, NOON), [], "listed again");
    assert_eq!(list(&mut changes, &demo(), NOON), [row(&demo())]);
    let deleted = AgentRow { ready: false, status: "Deleted".into(), ..row(&demo()) };
    assert_eq!(changes.by(Change::Deleted(stored(&demo())), NOON), [deleted]);
}
