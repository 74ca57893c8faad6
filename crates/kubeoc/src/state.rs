//! The state of an agent in one word and in one sentence, from its conditions. Pure.

use api_types::{
    Agent, AgentStatus, Condition,
    condition::{READY, SUSPENDED, reason, status},
    time_convert::from_k8s_time,
};
use time::OffsetDateTime;

/// The state of an agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    /// `Ready`, `Starting`, `Asleep`, or the reason why the agent is none of these.
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
/// An agent has no pod because nobody was connected.
pub(crate) const ASLEEP: &str = "Asleep";
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
            Some(ready)
                if ready.reason == reason::SUSPENDED && asleep_since(observed).is_some() =>
            {
                new(ASLEEP, &ready.message)
            }
            Some(ready) => new(&ready.reason, &ready.message),
            // As an older controller leaves it, that knows no condition Ready.
            None if observed.ready => new(READY, ""),
            None if observed.suspended => new(reason::SUSPENDED, ""),
            None => new(PENDING, "no controller has reported on the agent yet"),
        }
    }
}

/// Since when an agent has no pod because nobody was connected, by the controller's clock. Its spec
/// does not say so, and only a sign of life wakes it.
pub(crate) fn asleep_since(observed: &AgentStatus) -> Option<OffsetDateTime> {
    let suspended = find(observed, SUSPENDED).filter(|suspended| {
        suspended.status == status::TRUE && suspended.reason == reason::STANDBY
    });
    suspended.map(|suspended| from_k8s_time(&suspended.last_transition_time))
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
    use time::macros::datetime;

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
        let noon = datetime!(2026-11-21 12:00 UTC);
        assert_eq!(asleep_since(&with("True", "Standby")), Some(noon));
        assert_eq!(asleep_since(&with("True", "UserRequested")), None);
        assert_eq!(asleep_since(&with("False", "Active")), None);
        assert_eq!(asleep_since(&AgentStatus::default()), None);
    }
}
