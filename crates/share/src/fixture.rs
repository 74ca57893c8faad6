//! A shared agent for tests; each varies only what it is about.

use api_types::{Agent, AgentSpec, AgentStatus, ShareSpec, ShareStatus, ShareToken};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use kube::core::ObjectMeta;

pub(crate) fn token(number: u8) -> ShareToken {
    ShareToken::from_bytes(&[number; 32])
}

/// Ready, and open to anybody with `token(1)`.
pub(crate) fn demo() -> Agent {
    agent("demo", "uid-1", &published(1, "uid-1"))
}

pub(crate) fn agent(name: &str, uid: &str, share: &ShareStatus) -> Agent {
    Agent {
        metadata: ObjectMeta {
            name: Some(name.into()),
            namespace: Some("team-a".into()),
            uid: Some(uid.into()),
            ..ObjectMeta::default()
        },
        spec: AgentSpec {
            share: Some(ShareSpec { enabled: true, ..ShareSpec::default() }),
            ..AgentSpec::default()
        },
        status: Some(AgentStatus {
            ready: true,
            share: Some(share.clone()),
            ..AgentStatus::default()
        }),
    }
}

/// The digests of `token(number)`, as the controller publishes them for `uid`.
pub(crate) fn published(number: u8, uid: &str) -> ShareStatus {
    ShareStatus {
        token_lookup: Some(token(number).lookup().to_string()),
        token_proof: Some(token(number).proof(uid).to_string()),
        ..ShareStatus::default()
    }
}

/// `demo` after `change`.
pub(crate) fn changed(change: impl FnOnce(&mut Agent)) -> Agent {
    let mut agent = demo();
    change(&mut agent);
    agent
}

pub(crate) fn condition(type_: &str, status: &str, reason: &str, message: &str) -> Condition {
    Condition {
        type_: type_.into(),
        status: status.into(),
        reason: reason.into(),
        message: message.into(),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: None,
    }
}

/// `demo`, asleep in standby.
pub(crate) fn asleep() -> Agent {
    changed(|agent| {
        let status = agent.status.as_mut().unwrap();
        (status.ready, status.suspended) = (false, true);
        status.conditions = vec![condition("Suspended", "True", "Standby", "")];
    })
}

/// `demo`, not ready, with that reason and message in its condition `Ready`.
pub(crate) fn starting(reason: &str, message: &str) -> Agent {
    changed(|agent| {
        let status = agent.status.as_mut().unwrap();
        status.ready = false;
        status.conditions = vec![condition("Ready", "False", reason, message)];
    })
}
