//! The variables of each container. A later one replaces an earlier one of its name. Pure.

use api_types::{ContainerExtras, names};
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector};

use super::{credentials, overrides::last_of_each};
use crate::resolve::{Context, ResolvedAgent, ServerPassword};

/// The tools come first, so that `opencode` is ours.
const PATH: &str = "/tools:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Nobody is there to answer a prompt.
const ALLOW_ALL: &str = r#"{"*":"allow"}"#;

/// As configuration of the command line, since there is no file of git's that is ours.
const GIT_TRUSTS_VOLUMES: [(&str, &str); 3] = [
    ("GIT_CONFIG_COUNT", "1"),
    ("GIT_CONFIG_KEY_0", "safe.directory"),
    ("GIT_CONFIG_VALUE_0", "*"),
];

/// Which certificates a container trusts, where the agent has some of its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// The system's and the user's are joined in one file already.
    Joined,
    /// Only the user's file is there.
    Custom,
}

/// Ours, then the credentials, then the user's own.
pub(super) fn of_server(agent: &ResolvedAgent) -> Option<Vec<EnvVar>> {
    let mut ours = vec![
        variable("HOME", "/tmp"),
        variable("SHELL", "/bin/bash"),
        variable("PATH", PATH),
        variable("WORKSPACE_DIR", &agent.workspace_dir),
    ];
    // Volumes belong to root, whoever runs the agent: git would take no checkout at the root of one.
    if !agent.checkouts.is_empty() {
        ours.extend(GIT_TRUSTS_VOLUMES.map(|(name, value)| variable(name, value)));
    }
    if agent.server_password == ServerPassword::Generated {
        ours.push(password(&agent.identity.name));
    }
    let config = agent.extensions.config.as_ref();
    if !config.is_some_and(|config| config.contains_key("permission")) {
        ours.push(variable("OPENCODE_PERMISSION", ALLOW_ALL));
    }
    if config.is_some() {
        ours.push(variable("OPENCODE_CONFIG", names::CONFIG_FILE));
    }
    if agent.extensions.tui_config.is_some() {
        ours.push(variable("OPENCODE_TUI_CONFIG", names::TUI_CONFIG_FILE));
    }
    if agent.contexts.iter().any(Context::is_in_document) {
        let content = format!(r#"{{"instructions":["{}"]}}"#, names::CONTEXT_DOCUMENT);
        ours.push(variable("OPENCODE_CONFIG_CONTENT", content));
    }
    if agent.persistence.sessions.is_some() {
        ours.push(variable("OPENCODE_DB", names::SESSIONS_DATABASE));
    }
    ours.extend(outside(agent, Trust::Joined));
    ours.extend(credentials::variables(&agent.credentials));
    with_users(agent, ours, None)
}

/// Of a container of ours; `extras` are what the user wants for it alone.
pub(super) fn of_system(
    agent: &ResolvedAgent,
    trust: Trust,
    ours: Vec<EnvVar>,
    extras: Option<&ContainerExtras>,
) -> Option<Vec<EnvVar>> {
    let ours = ours.into_iter().chain(outside(agent, trust)).collect();
    with_users(agent, ours, extras)
}

/// A variable with a literal value: `$` is what begins a reference in Kubernetes.
pub(super) fn variable(name: &str, value: impl Into<String>) -> EnvVar {
    let value: String = value.into();
    raw(name, value.replace('$', "$$"))
}

/// A variable whose value may refer to others, as in `$(USER)`.
fn raw(name: &str, value: impl Into<String>) -> EnvVar {
    EnvVar { name: name.to_owned(), value: Some(value.into()), value_from: None }
}

/// How the outside is reached.
fn outside(agent: &ResolvedAgent, trust: Trust) -> Vec<EnvVar> {
    let mut variables = Vec::new();
    if agent.ca_source.is_some() {
        let custom = ["CUSTOM_CA_CERT_PATH", "NODE_EXTRA_CA_CERTS"];
        variables.extend(custom.map(|name| variable(name, names::CA_FILE)));
        if trust == Trust::Joined {
            let joined = ["GIT_SSL_CAINFO", "SSL_CERT_FILE"];
            variables.extend(joined.map(|name| variable(name, names::JOINED_CA_FILE)));
        }
    }
    let Some(proxy) = &agent.proxy else { return variables };
    let proxies = [
        ("HTTP_PROXY", &proxy.http_proxy),
        ("HTTPS_PROXY", &proxy.https_proxy),
        ("NO_PROXY", &proxy.no_proxy),
    ];
    for (name, value) in proxies {
        let Some(value) = value else { continue };
        variables.extend([raw(name, value), raw(&name.to_lowercase(), value)]);
    }
    variables
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

fn with_users(
    agent: &ResolvedAgent,
    ours: Vec<EnvVar>,
    extras: Option<&ContainerExtras>,
) -> Option<Vec<EnvVar>> {
    let users = agent.pod.extra_env.iter().flatten();
    let extras = extras.and_then(|extras| extras.extra_env.as_ref());
    let users = users.chain(extras.into_iter().flatten()).cloned();
    let all = last_of_each(ours.into_iter().chain(users).collect());
    (!all.is_empty()).then_some(all)
}
