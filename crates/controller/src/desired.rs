//! The desired objects of one agent. Pure, and nothing here can fail: whatever could go wrong was
//! refused in `resolve`. The same agent always
//! yields the same bytes, so no pod restarts without a cause.

mod claims;
mod config_maps;
mod containers;
mod credentials;
mod deployment;
mod env;
mod files;
mod init;
mod jobs;
mod metadata;
mod overrides;
mod probes;
mod runtime;
mod secrets;
mod security;
mod service;
mod volumes;

use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
};

use crate::{
    resolve::{ResolvedAgent, ServerPassword},
    secret::Password,
};

pub use config_maps::unused_config_maps;
pub use secrets::share_secret;

/// Everything that one agent owns, but for its share Secret, which does not depend
/// on how the agent runs.
#[derive(Clone, Debug, PartialEq)]
pub struct DesiredObjects {
    /// None where servers have no password.
    pub server_secret: Option<Secret>,
    /// By name; only those that are needed.
    pub config_maps: Vec<ConfigMap>,
    pub claims: Vec<PersistentVolumeClaim>,
    pub deployment: Deployment,
    pub service: Service,
}

/// Why a pod is a new one though neither the agent nor its template has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// A digest of what the user's objects hold that the agent names.
    pub references: Option<String>,
    /// The commits for which it is restarted.
    pub revision: Option<String>,
    /// [`Password::digest`] of the present password, where that is not the first one.
    pub password: Option<String>,
}

/// `password` is that of the agent's server, if it has one.
pub fn desired(agent: &ResolvedAgent, password: &Password, causes: Causes) -> DesiredObjects {
    let files = files::files(agent);
    let digest = (agent.server_password == ServerPassword::Generated).then(|| password.digest());
    DesiredObjects {
        server_secret: digest.is_some().then(|| secrets::server_secret(&agent.identity, password)),
        config_maps: config_maps::config_maps(&agent.identity, &files),
        claims: claims::claims(agent),
        deployment: deployment::deployment(agent, &files, digest, causes),
        service: service::service(agent),
    }
}

#[cfg(test)]
mod tests;
