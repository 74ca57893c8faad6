//! A shared agent for tests.

use api_types::{Agent, AgentSpec, AgentStatus, ShareSpec, ShareStatus, ShareToken};
use kube::core::ObjectMeta;

pub(crate) fn token() -> ShareToken {
    ShareToken::from_bytes(&[1; 32])
}

/// Ready, and open to anybody with [`token`].
pub(crate) fn demo() -> Agent {
    let share = ShareStatus {
        token_lookup: Some(token().lookup().to_string()),
        token_proof: Some(token().proof("uid-1").to_string()),
        ..ShareStatus::default()
    };
    Agent {
        metadata: ObjectMeta {
            name: Some("demo".into()),
            namespace: Some("team-a".into()),
            uid: Some("uid-1".into()),
            ..ObjectMeta::default()
        },
        spec: AgentSpec {
            share: Some(ShareSpec { enabled: true, ..ShareSpec::default() }),
            ..AgentSpec::default()
        },
        status: Some(AgentStatus { ready: true, share: Some(share), ..AgentStatus::default() }),
    }
}
