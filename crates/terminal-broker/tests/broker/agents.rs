//! Shared agents, in the states that the tests are about.

use api_types::{Agent, AgentSpec, AgentStatus, ShareSpec, ShareStatus, ShareToken, condition};
use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};
use kube::core::ObjectMeta;

pub(crate) fn token(number: u8) -> ShareToken {
    ShareToken::from_bytes(&[number; 32])
}

/// Ready, and open to anybody with `token(number)`.
pub(crate) fn agent(number: u8) -> Agent {
    let uid = format!("uid-{number}");
    let token = token(number);
    let share = ShareStatus {
        token_lookup: Some(token.lookup().to_string()),
        token_proof: Some(token.proof(&uid).to_string()),
        ..ShareStatus::default()
    };
    Agent {
        metadata: ObjectMeta {
            name: Some(format!("agent-{number}")),
            namespace: Some("team-a".into()),
            uid: Some(uid),
            ..ObjectMeta::default()
        },
        spec: AgentSpec {
            share: Some(ShareSpec { enabled: true, ..ShareSpec::default() }),
            ..AgentSpec::default()
        },
        status: Some(AgentStatus { ready: true, share: Some(share), ..AgentStatus::default() }),
    }
}

/// `agent(1)` with another share.
pub(crate) fn shared(change: impl FnOnce(&mut ShareSpec)) -> Agent {
    let mut agent = agent(1);
    change(agent.spec.share.as_mut().unwrap());
    agent
}

/// `agent(1)`, asleep in standby.
pub(crate) fn asleep() -> Agent {
    let mut agent = agent(1);
    let status = agent.status.as_mut().unwrap();
    (status.ready, status.suspended) = (false, true);
    status.conditions = vec![Condition {
        type_: condition::SUSPENDED.into(),
        status: condition::status::TRUE.into(),
        reason: condition::reason::STANDBY.into(),
        message: String::new(),
        last_transition_time: Time(Timestamp::UNIX_EPOCH),
        observed_generation: None,
    }];
    agent
}

/// `agent(1)`, on its way up.
pub(crate) fn starting() -> Agent {
    let mut agent = agent(1);
    agent.status.as_mut().unwrap().ready = false;
    agent
}
