//! The status of an agent that cannot be read: the one it has, but for `Ready`. Pure.

use api_types::{
    Condition,
    condition::{self, reason},
};
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::conditions::{Conditions, Truth};
use crate::guard::Unreadable;

/// `None` where the agent has this status already. What runs is left as it is, and so is the rest
/// of what was published, the link among it.
pub fn unreadable(agent: &Unreadable, now: OffsetDateTime) -> Option<Map<String, Value>> {
    let generation = agent.metadata.generation;
    let held = agent.status.get("conditions").cloned().unwrap_or_default();
    let old: Vec<Condition> = serde_json::from_value(held).unwrap_or_default();
    let mut ready = Conditions::new(&old, generation, now);
    ready.set(condition::READY, Truth::False, reason::INVALID_SPEC, sentence(agent));
    let mut new = ready.finish();
    new.extend(old.iter().filter(|condition| condition.type_ != condition::READY).cloned());

    let observed = json!(generation);
    if agent.status.get("observedGeneration") == Some(&observed)
        && new.iter().all(|condition| old.contains(condition))
    {
        return None;
    }
    let mut status = agent.status.clone();
    status.insert("observedGeneration".to_owned(), observed);
    status.insert("conditions".to_owned(), json!(new));
    Some(status)
}

/// What is wrong, and the way out.
fn sentence(agent: &Unreadable) -> String {
    format!("{agent}; correct or remove it: until then the agent is left as it is")
}

#[cfg(test)]
mod tests {
    use kube::core::ObjectMeta;
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn agent(status: Value) -> Unreadable {
        Unreadable {
            metadata: ObjectMeta { generation: Some(4), ..ObjectMeta::default() },
            field: "spec.port".into(),
            message: "too large".into(),
            status: serde_json::from_value(status).unwrap(),
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
        let first = unreadable(&agent(before.clone()), NOON).unwrap();
        assert_eq!((&first["share"], &first["ready"]), (&shared, &json!(true)));
        assert_eq!(first["observedGeneration"], 4);
        assert_eq!(first["conditions"][1], before["conditions"][1]);
        let expected = json!({
            "type": "Ready", "status": "False", "reason": "InvalidSpec", "observedGeneration": 4,
            "message": "spec.port: too large; correct or remove it: until then the agent is left as it is",
            "lastTransitionTime": "2026-11-21T12:00:00Z",
        });
        assert_eq!(first["conditions"][0], expected);
        assert_eq!(unreadable(&agent(json!(first)), NOON + 1.hours()), None);
    }

    #[test]
    fn a_status_that_cannot_be_read_either_is_no_obstacle() {
        let status = json!({ "conditions": "none", "idleSince": 5 });
        let written = unreadable(&agent(status), NOON).unwrap();
        assert_eq!(written["conditions"].as_array().map(Vec::len), Some(1));
    }
}
