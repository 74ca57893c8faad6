//! The desired objects of one agent. Pure, and nothing here can fail: whatever could go wrong was
//! refused in `resolve`. The same agent always
//! yields the same bytes, so no pod restarts without a cause.

mod config_map;
mod containers;
mod credentials;
mod deployment;
mod env;
mod metadata;
mod probes;
mod secrets;
mod security;
mod service;
mod volumes;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Secret, Service},
};

use crate::{resolve::ResolvedAgent, secret::Password};

pub use secrets::share_secret;

/// Everything that one agent owns, but for its share Secret, which does not depend
/// on how the agent runs.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredObjects {
    pub server_secret: Secret,
    pub config_map: Option<ConfigMap>,
    pub deployment: Deployment,
    pub service: Service,
}

/// `password` is that of the agent's server.
pub fn desired(agent: &ResolvedAgent, password: &Password) -> DesiredObjects {
    DesiredObjects {
        server_secret: secrets::server_secret(&agent.identity, password),
        config_map: config_map::config_map(agent),
        deployment: deployment::deployment(agent),
        service: service::service(agent),
    }
}

#[cfg(test)]
mod tests;
