//! The state of an agent in one word and in one sentence, from its conditions. Pure.

use api_types::{
    Agent, AgentStatus, Condition,
    condition::{READY, SUSPENDED, reason, status},
};

/// The state of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// `Ready`, `Starting`, or the reason why the agent is neither.
    pub(crate) word: String,
    /// In the controller's words; empty where it said nothing.
    pub(crate) message: String,
}

/// An Agent is being deleted.
pub(crate) const TERMINATING: &str = "Terminating";
/// No controller has reported on an Agent yet.
pub(crate) const PENDING: &str = "Pending";
/// A pod is on its way.
pub(crate) const STARTING: &str = "Starting";
/// Fields of an Agent cannot be read, and no controller said so.
pub(crate) const UNREADABLE: &str = "Unreadable";

impl State {
    /// `unreadable` is what is wrong with the fields that `agent` lacks.
    pub(crate) fn of(agent: &Agent, unreadable: Option<&str>) -> Self {
        let new = |word: &str, message: &str| Self { word: word.into(), message: message.into() };
        if agent.metadata.deletion_timestamp.is_some() {
            return new(TERMINATING, "the agent is being deleted");
        }
        let Some(observed) = &agent.status else {
            return match unreadable {
                Some(cause) => new(UNREADABLE, cause),
                None => new(PENDING, "no controller has reported on the agent yet"),
            };
        };
        match find(observed, READY) {
            Some(ready) if ready.status == status::TRUE => new(READY, &ready.message),
            Some(ready) if ready.reason == reason::PROGRESSING => new(STARTING, &ready.message),
            Some(ready) => new(&ready.reason, &ready.message),
            // As an older controller leaves it, that knows no condition Ready.
            None if observed.ready => new(READY, ""),
            None if observed.suspended => new(reason::SUSPENDED, ""),
            None => new(PENDING, "no controller has reported on the agent yet"),
        }
    }
}

/// Whether an agent has no pod because nobody was connected. Its spec does not say so, and only a
/// sign of life wakes it.
pub(crate) fn is_in_standby(observed: &AgentStatus) -> bool {
    find(observed, SUSPENDED).is_some_and(|suspended| {
        suspended.status == status::TRUE && suspended.reason == reason::STANDBY
    })
}

pub(crate) fn find<'a>(observed: &'a AgentStatus, kind: &str) -> Option<&'a Condition> {
    observed.conditions.iter().find(|condition| condition.type_ == kind)
}

pub(crate) fn find_false<'a>(observed: &'a AgentStatus, kind: &str) -> Option<&'a Condition> {
    find(observed, kind).filter(|condition| condition.status != status::TRUE)
}

/// The message of a condition, without a full stop, or its reason.
pub(crate) fn message(condition: &Condition) -> String {
    match condition.message.as_str() {
        "" => condition.reason.clone(),
        text => text.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_an_agent_in_standby_needs_a_sign_of_life() {
        let with = |truth: &str, reason: &str| {
            let condition = json!({
                "type": "Suspended", "status": truth, "reason": reason, "message": "",
                "lastTransitionTime": "2026-11-21T12:00:00Z",
            });
            serde_json::from_value(json!({ "conditions": [condition] })).unwrap()
        };
        assert!(is_in_standby(&with("True", "Standby")));
        assert!(!is_in_standby(&with("True", "UserRequested")));
        assert!(!is_in_standby(&with("False", "Active")));
        assert!(!is_in_standby(&AgentStatus::default()));
    }
}
