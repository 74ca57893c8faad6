//! The status of an agent that cannot be read: the one it has, but for `Ready`. Pure.

use api_types::{
    Condition,
    condition::{self, reason},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::{
    ApplyProblem,
    conditions::{Conditions, Truth},
    server::{Server, Suspension},
    share::link,
};
use crate::guard::Unreadable;

/// The fields of the status to change, or `None` where the agent has this status already. What runs
/// is left as it is, and so is the rest of what was published, but for what the spec can still turn
/// off. `problem` is why it could not be suspended, where that was tried.
pub fn unreadable(
    agent: &Unreadable,
    problem: Option<&ApplyProblem>,
    now: OffsetDateTime,
) -> Option<Map<String, Value>> {
    let generation = agent.metadata.generation;
    let held = agent.status.get("conditions").cloned().unwrap_or_default();
    let old: Vec<Condition> = serde_json::from_value(held).unwrap_or_default();
    let is_unshared = agent.switches.shared == Some(false);
    let mut set = Conditions::new(&old, generation, now);
    set.set(condition::READY, Truth::False, reason::INVALID_SPEC, sentence(agent, problem));
    let is_suspended = agent.switches.suspend && problem.is_none();
    if is_suspended {
        let server = Server::Suspended(Suspension::UserRequested);
        server.set_conditions(&mut set);
        if !is_unshared && old.iter().any(is_working_link) {
            let (truth, reason, message) = link(false, &server);
            set.set(condition::SHARE_READY, truth, reason, message);
        }
    }
    let mut new = set.finish();
    let is_kept = |kept: &&Condition| {
        let type_ = kept.type_.as_str();
        let is_ours = condition::TYPES.contains(&type_);
        is_ours && !(is_unshared && type_ == condition::SHARE_READY)
    };
    for kept in old.iter().filter(is_kept) {
        if new.iter().all(|set| set.type_ != kept.type_) {
            new.push(kept.clone());
        }
    }

    let mut status = Map::from_iter([("observedGeneration".to_owned(), json!(generation))]);
    let is_same = new.len() == old.len() && new.iter().all(|condition| old.contains(condition));
    if !is_same {
        status.insert("conditions".to_owned(), json!(new));
    }
    if is_suspended {
        status.extend([("suspended".to_owned(), json!(true)), ("ready".to_owned(), json!(false))]);
        status.extend(closed_share(agent));
    }
    if is_unshared {
        status.insert("share".to_owned(), Value::Null);
    }
    let held = |field: &str| agent.status.get(field).unwrap_or(&Value::Null);
    status.iter().any(|(field, value)| held(field) != value).then_some(status)
}

fn is_working_link(condition: &Condition) -> bool {
    condition.type_ == condition::SHARE_READY && condition.status == condition::status::TRUE
}

/// The field `share` of an agent whose links lead nowhere while it is suspended. What else was published stays.
fn closed_share(agent: &Unreadable) -> Option<(String, Value)> {
    let close = |link: &mut Value| {
        link.as_object_mut().map(|link| link.insert("active".to_owned(), json!(false)))
    };
    let mut share = agent.status.get("share")?.clone();
    close(&mut share).is_some().then_some(())?;
    share.get_mut("links").and_then(Value::as_array_mut).into_iter().flatten().for_each(|link| {
        close(link);
    });
    Some(("share".to_owned(), share))
}

/// What is wrong, and the way out.
fn sentence(agent: &Unreadable, problem: Option<&ApplyProblem>) -> String {
    let sentence = format!("{agent}; correct or remove it: until then the agent is left as it is");
    match problem {
        None => sentence,
        Some(problem) => {
            format!("{sentence}. It could not be suspended: {}; retrying", problem.sentence())
        }
    }
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;
    use crate::guard::Switches;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn merged(status: Value, patch: Map<String, Value>) -> Value {
        let Value::Object(mut status) = status else { panic!("{status}") };
        status.extend(patch);
        status.retain(|_, value| !value.is_null());
        json!(status)
    }

    fn agent(status: Value) -> Unreadable {
        Unreadable {
            metadata: ObjectMeta { generation: Some(4), ..ObjectMeta::default() },
            field: "spec.port".into(),
            message: "too large".into(),
            status: serde_json::from_value(status).unwrap(),
            switches: Switches { suspend: false, shared: Some(true) },
        }
    }

    #[test]
    fn only_ready_changes_and_only_once() {
        let shared = json!({ "secretName": "demo-share", "active": true });
        let before = json!({
            "observedGeneration": 3,
            "ready": true,
            "share": shared,
            "conditions": [
                { "type": "Ready", "status": "True", "reason": "ServerReady", "message": "",
                  "lastTransitionTime": "2026-11-20T12:00:00Z" },
                { "type": "ShareReady", "status": "True", "reason": "Active", "message": "",
                  "lastTransitionTime": "2026-11-20T12:00:00Z" },
            ],
        });
        let first = unreadable(&agent(before.clone()), None, NOON).unwrap();
        assert_eq!((first.get("share"), first.get("ready")), (None, None), "they stay");
        assert_eq!(first["observedGeneration"], 4);
        assert_eq!(first["conditions"][1], before["conditions"][1]);
        let expected = json!({
            "type": "Ready", "status": "False", "reason": "InvalidSpec", "observedGeneration": 4,
            "message": "spec.port: too large; correct or remove it: until then the agent is left as it is",
            "lastTransitionTime": "2026-11-21T12:00:00Z",
        });
        assert_eq!(first["conditions"][0], expected);
        assert_eq!(unreadable(&agent(merged(before, first)), None, NOON + 1.hours()), None);
    }

    #[test]
    fn what_can_be_turned_off_is_off_though_the_rest_cannot_be_read() {
        let before = json!({
            "ready": true,
            "share": { "active": true },
            "conditions": [
                { "type": "ShareReady", "status": "True", "reason": "Active", "message": "",
                  "lastTransitionTime": "2026-11-20T12:00:00Z" },
            ],
        });
        let off = Unreadable {
            switches: Switches { suspend: true, shared: Some(false) },
            ..agent(before.clone())
        };
        let written = unreadable(&off, None, NOON).unwrap();
        assert_eq!((&written["ready"], &written["suspended"]), (&json!(false), &json!(true)));
        assert_eq!(written["share"], Value::Null);
        let conditions = written["conditions"].as_array().unwrap();
        let types: Vec<_> = conditions.iter().map(|one| one["type"].as_str().unwrap()).collect();
        assert_eq!(types, ["Ready", "ServerReady", "ServerHealthy", "Suspended"]);
        let settled = Unreadable { switches: off.switches, ..agent(merged(before, written)) };
        assert_eq!(unreadable(&settled, None, NOON + 1.hours()), None);
    }

    /// As one that can be read.
    #[test]
    fn a_suspended_agent_does_not_say_that_its_server_and_link_work() {
        let condition = |type_: &str, status: &str, reason: &str| {
            json!({ "type": type_, "status": status, "reason": reason, "message": "",
                    "lastTransitionTime": "2026-11-20T12:00:00Z" })
        };
        let before = |link: Value| {
            json!({
                "ready": true,
                "share": { "secretName": "demo-share", "tokenLookup": "l", "active": true },
                "conditions": [
                    condition("ServerReady", "True", "DeploymentReady"),
                    condition("ServerHealthy", "True", "DeploymentHealthy"),
                    condition("Suspended", "False", "Active"),
                    link,
                    condition("Ready", "True", "ServerReady"),
                ],
            })
        };
        let switches = Switches { suspend: true, shared: Some(true) };
        for (link, expected) in [
            (condition("ShareReady", "True", "Active"), "ShareReady=False AgentNotReady"),
            (condition("ShareReady", "False", "Expired"), "ShareReady=False Expired"),
        ] {
            let before = before(link);
            let suspended = Unreadable { switches, ..agent(before.clone()) };
            let written = unreadable(&suspended, None, NOON).unwrap();
            let mut conditions: Vec<_> = written["conditions"].as_array().unwrap().iter().collect();
            conditions.sort_by_key(|one| one["type"].as_str());
            let text = |one: &Value, field: &str| one[field].as_str().unwrap().to_owned();
            let short = |one: &&Value| {
                format!("{}={} {}", text(one, "type"), text(one, "status"), text(one, "reason"))
            };
            let expected = [
                "Ready=False InvalidSpec",
                "ServerHealthy=False DeploymentNotReady",
                "ServerReady=False Suspended",
                expected,
                "Suspended=True UserRequested",
            ];
            assert_eq!(conditions.iter().map(short).collect::<Vec<_>>(), expected);
            let share = json!({ "secretName": "demo-share", "tokenLookup": "l", "active": false });
            assert_eq!(written["share"], share);
            let settled = Unreadable { switches, ..agent(merged(before.clone(), written)) };
            assert_eq!(unreadable(&settled, None, NOON + 1.hours()), None);

            let refused =
                ApplyProblem::Rejected { kind: "Deployment".into(), message: "no".into() };
            let written = unreadable(&suspended, Some(&refused), NOON).unwrap();
            assert_eq!(written.get("share"), None, "it still runs");
            assert_eq!(written["conditions"][1], before["conditions"][0]);
        }
    }

    #[test]
    fn a_status_that_cannot_be_read_either_is_no_obstacle() {
        let status = json!({ "conditions": "none", "idleSince": 5 });
        let written = unreadable(&agent(status), None, NOON).unwrap();
        assert_eq!(written["conditions"].as_array().map(Vec::len), Some(1));
    }
}
