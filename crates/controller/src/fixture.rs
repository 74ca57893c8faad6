//! What a complete agent looks like; a test changes only the field it is about.

pub(crate) mod specs;

use api_types::{Agent, AgentSpec};
use kube::core::ObjectMeta;

use crate::resolve::{
    AgentSecrets, Defaults, Images, Pull, ResolvedAgent, ServerPassword, UserIds, resolve,
};

/// The agent `demo` of namespace `team-a`, with nothing but defaults.
pub(crate) fn demo() -> Agent {
    agent(AgentSpec::default())
}

pub(crate) fn agent(spec: AgentSpec) -> Agent {
    Agent {
        metadata: ObjectMeta {
            name: Some("demo".into()),
            namespace: Some("team-a".into()),
            uid: Some("uid-1".into()),
            generation: Some(3),
            ..ObjectMeta::default()
        },
        spec,
        status: None,
    }
}

pub(crate) fn defaults() -> Defaults {
    let images = Images {
        agent: "agent-opencode:dev".into(),
        executor: "agent-devbox:dev".into(),
        tools: "agent-tools:dev".into(),
        pull: Pull::ByTag,
    };
    Defaults {
        images,
        user_ids: UserIds::Fixed,
        server_password: ServerPassword::Generated,
        secrets: AgentSecrets::Any,
    }
}

/// A valid spec, resolved without a template.
pub(crate) fn resolved(spec: AgentSpec) -> ResolvedAgent {
    resolve(&agent(spec), None, &defaults()).unwrap()
}
