//! The variables of each container. A later one replaces an earlier one of its name,
//! as a shell would have it: server-side apply takes each name once. Pure.

use api_types::{AgentPodSpec, names};
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};

use super::{containers::variable, credentials};
use crate::resolve::ResolvedAgent;

/// The tools come first, so that `opencode` is ours.
const PATH: &str = "/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Nobody is there to answer a prompt.
const ALLOW_ALL: &str = r#"{"*":"allow"}"#;

/// Ours, then the credentials, then the user's own.
pub(super) fn of_server(agent: &ResolvedAgent) -> Option<Vec<EnvVar>> {
    let mut ours = vec![
        variable("HOME", "/tmp"),
        variable("SHELL", "/bin/bash"),
        variable("PATH", PATH),
        variable("WORKSPACE_DIR", &agent.workspace_dir),
        password(&agent.identity.name),
    ];
    let config = agent.config.as_ref();
    if !config.is_some_and(|config| config.contains_key("permission")) {
        ours.push(variable("OPENCODE_PERMISSION", ALLOW_ALL));
    }
    if config.is_some() {
        ours.push(variable("OPENCODE_CONFIG", names::CONFIG_FILE));
    }
    ours.extend(credentials::variables(&agent.credentials));
    with_users(ours, &agent.pod)
}

pub(super) fn of_opencode_init(pod: &AgentPodSpec) -> Option<Vec<EnvVar>> {
    with_users(vec![variable("TOOLS_DIR", names::TOOLS_DIR)], pod)
}

pub(super) fn of_init(pod: &AgentPodSpec) -> Option<Vec<EnvVar>> {
    with_users(vec![], pod)
}

/// The server and whoever attaches to it read it from here.
fn password(agent: &str) -> EnvVar {
    let key = SecretKeySelector {
        name: names::server_secret(agent),
        key: names::SERVER_PASSWORD_KEY.to_owned(),
        optional: None,
    };
    EnvVar {
        name: "OPENCODE_SERVER_PASSWORD".to_owned(),
        value: None,
        value_from: Some(EnvVarSource { secret_key_ref: Some(key), ..EnvVarSource::default() }),
    }
}

fn with_users(ours: Vec<EnvVar>, pod: &AgentPodSpec) -> Option<Vec<EnvVar>> {
    let users = pod.extra_env.iter().flatten().cloned();
    let last_of_each = |mut kept: Vec<EnvVar>, next: EnvVar| {
        kept.retain(|earlier| earlier.name != next.name);
        kept.push(next);
        kept
    };
    let all = ours.into_iter().chain(users).fold(vec![], last_of_each);
    (!all.is_empty()).then_some(all)
}
