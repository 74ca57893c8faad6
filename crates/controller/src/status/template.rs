//! The status of an AgentTemplate: whether it can be used. Pure.

use api_types::{
    AgentTemplate, Condition,
    condition::{self, reason},
};
use kube::Resource;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::conditions::{Conditions, Truth};
use crate::guard::Guarded;

const VALID: &str = "AgentTemplate is valid and ready for use";

/// The fields of the status to change, or `None` where the template has this status already.
pub fn template_status(
    template: &Guarded<AgentTemplate>,
    now: OffsetDateTime,
) -> Option<Map<String, Value>> {
    let generation = template.meta().generation;
    let (observed, old) = match &template.0 {
        Ok(template) => {
            let status = template.status.clone().unwrap_or_default();
            (json!(status.observed_generation), status.conditions)
        }
        Err(unreadable) => {
            let held = |field: &str| unreadable.status.get(field).cloned().unwrap_or_default();
            let old: Option<Vec<Condition>> = serde_json::from_value(held("conditions")).ok();
            (held("observedGeneration"), old.unwrap_or_default())
        }
    };
    let mut new = Conditions::new(&old, generation, now);
    match &template.0 {
        Ok(_) => new.set(condition::READY, Truth::True, reason::VALID, VALID),
        Err(unreadable) => {
            let message = format!("{unreadable}; correct or remove it");
            new.set(condition::READY, Truth::False, reason::INVALID_SPEC, message);
        }
    }
    let new = new.finish();
    if observed == json!(generation) && old == new {
        return None;
    }
    let fields = [("observedGeneration", json!(generation)), ("conditions", json!(new))];
    Some(fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect())
}

#[cfg(test)]
mod tests {
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn template(spec: &Value, status: &Value) -> Guarded<AgentTemplate> {
        let template = json!({
            "metadata": { "name": "base", "generation": 4 }, "spec": spec, "status": status,
        });
        serde_json::from_str(&template.to_string()).unwrap()
    }

    #[test]
    fn a_template_is_told_once_whether_it_can_be_used() {
        let valid = json!({ "workspaceDir": "/workspace", "serviceAccountName": "default" });
        for (spec, status, reason, message) in [
            (valid, "True", "Valid", VALID),
            (
                json!({ "workspaceDir": 1, "serviceAccountName": "default" }),
                "False",
                "InvalidSpec",
                "spec.workspaceDir: invalid type: integer `1`, expected a string; correct or remove it",
            ),
        ] {
            let before = json!({ "observedGeneration": 3, "conditions": [
                { "type": "Synced", "status": "True", "reason": "Old", "message": "",
                  "lastTransitionTime": "2026-11-20T12:00:00Z" },
            ] });
            let written = template_status(&template(&spec, &before), NOON).unwrap();
            let condition = json!({
                "type": "Ready", "status": status, "reason": reason, "message": message,
                "observedGeneration": 4, "lastTransitionTime": "2026-11-21T12:00:00Z",
            });
            let expected = json!({ "observedGeneration": 4, "conditions": [condition] });
            assert_eq!(json!(written), expected);
            let settled = template(&spec, &expected);
            assert_eq!(template_status(&settled, NOON + 1.hours()), None);
        }
    }
}
