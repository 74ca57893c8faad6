//! From what a user wrote, and the template it names, to an agent whose every value
//! is valid; or to a sentence that says what is wrong. Pure.

mod checkouts;
mod contexts;
mod credentials;
mod egress;
mod extensions;
mod invalid;
mod mounts;
mod origin;
mod place;
mod quantities;
mod security;

use api_types::{
    Agent, AgentId, AgentPodSpec, AgentSpec, AgentTemplate, ExtraPort, LocalRef, Persistence,
    PortProtocol, Proxy, condition::reason, names,
};

use k8s_openapi::api::core::v1::VolumeMount;

use crate::merge::merge;

pub use checkouts::Checkout;
pub use contexts::{Content, Context};
pub use credentials::{Credential, CredentialForm};
pub use egress::CaSource;
pub use extensions::Extensions;
pub use invalid::Invalid;
pub use place::Place;

/// An agent whose template has been merged in and whose every value is valid.
#[derive(Clone, Debug, PartialEq)]
pub struct ResolvedAgent {
    pub identity: AgentId,
    pub images: Images,
    pub user_ids: UserIds,
    pub server_password: ServerPassword,
    pub workspace_dir: String,
    pub service_account: String,
    pub port: u16,
    /// Names and ports are unique, and none is the server's.
    pub extra_ports: Vec<ExtraPort>,
    /// All but the repositories, in the user's order.
    pub contexts: Vec<Context>,
    pub checkouts: Vec<Checkout>,
    pub extensions: Extensions,
    pub credentials: Vec<Credential>,
    pub pod: AgentPodSpec,
    pub ca_source: Option<CaSource>,
    /// Its `no_proxy` has the cluster's own names.
    pub proxy: Option<Proxy>,
    pub pull_secrets: Vec<LocalRef>,
    pub persistence: Persistence,
    pub lifecycle: Lifecycle,
}

impl ResolvedAgent {
    /// Whether a user mounts a volume of their own as the working directory.
    pub fn has_own_workspace(&self) -> bool {
        self.own_workspace().is_some()
    }

    /// The volume that a user mounts as the working directory.
    pub fn own_workspace(&self) -> Option<&VolumeMount> {
        let is_there = |mount: &&VolumeMount| {
            place::absolute(&mount.mount_path).is_ok_and(|path| path == self.workspace_dir)
        };
        self.pod.extra_volume_mounts.iter().flatten().find(is_there)
    }

    /// Whether the next pod finds what is at a place.
    pub fn outlives_pod(&self, place: &Place) -> bool {
        let Place::Workspace(_) = place else { return false };
        let Some(mount) = self.own_workspace() else { return self.persistence.workspace.is_some() };
        let mut volumes = self.pod.extra_volumes.iter().flatten();
        volumes.any(|volume| {
            volume.name == mount.name && volume.empty_dir.is_none() && volume.ephemeral.is_none()
        })
    }
}

/// The images of an agent's pod, and how they are pulled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Holds OpenCode.
    pub agent: String,
    /// Where the agent works.
    pub executor: String,
    /// Holds our own static tools.
    pub tools: String,
    pub pull: Pull,
}

/// What an agent gets of the installation where it says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defaults {
    pub images: Images,
    pub user_ids: UserIds,
    pub server_password: ServerPassword,
}

/// As whom a pod runs where nothing sets a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserIds {
    /// As user and group 1000.
    Fixed,
    /// As admission chooses, from the range of the namespace: OpenShift refuses any other.
    OfNamespace,
}

/// Whether whoever reaches an agent's server must know a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerPassword {
    /// Each agent has its own, in a Secret.
    Generated,
    /// The server is open to whoever reaches its port.
    None,
}

/// When the kubelet pulls an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pull {
    /// `Always` for `latest` and for no tag, else `IfNotPresent`.
    ByTag,
    /// The same for all images: `Always`, `IfNotPresent` or `Never`.
    Fixed(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifecycle {
    Running,
    Suspended,
}

/// `template` is the one that the agent names, if it exists.
pub fn resolve(
    agent: &Agent,
    template: Option<&AgentTemplate>,
    defaults: &Defaults,
) -> Result<ResolvedAgent, Invalid> {
    if let (Some(wanted), None) = (&agent.spec.template_ref, template) {
        let message = format!(
            "there is no AgentTemplate {:?} in this namespace: create it, or name another",
            wanted.name
        );
        return Err(Invalid::new(reason::TEMPLATE_NOT_FOUND, "spec.templateRef", message));
    }
    let Some(template) = template else { return valid(agent, agent.spec.clone(), defaults) };
    let resolved = valid(agent, merge(&agent.spec, Some(&template.spec)), defaults);
    resolved.map_err(|invalid| {
        let is_agents_own =
            valid(agent, agent.spec.clone(), defaults).is_err_and(|own| own == invalid);
        if is_agents_own { invalid } else { origin::of_template(invalid, agent, template) }
    })
}

/// `spec` is the agent's, with that of its template.
fn valid(agent: &Agent, spec: AgentSpec, defaults: &Defaults) -> Result<ResolvedAgent, Invalid> {
    quantities::check(&spec)?;

    let port = spec.server_port();
    let workspace_dir = workspace_dir(&spec)?;
    let resolved = ResolvedAgent {
        identity: identity(agent)?,
        extra_ports: extra_ports(&spec, port)?,
        contexts: contexts::resolve(&spec, &workspace_dir)?,
        checkouts: checkouts::resolve(&spec, &workspace_dir)?,
        extensions: extensions::resolve(&spec)?,
        ca_source: egress::ca_source(&spec)?,
        proxy: egress::proxy(&spec),
        credentials: credentials::resolve(spec.credentials.unwrap_or_default())?,
        images: Images {
            agent: spec.agent_image.unwrap_or_else(|| defaults.images.agent.clone()),
            executor: spec.executor_image.unwrap_or_else(|| defaults.images.executor.clone()),
            ..defaults.images.clone()
        },
        user_ids: defaults.user_ids,
        server_password: defaults.server_password,
        workspace_dir,
        service_account: spec
            .service_account_name
            .unwrap_or_else(|| names::DEFAULT_SERVICE_ACCOUNT.to_owned()),
        port,
        pod: spec.pod_spec.map(|pod| *pod).unwrap_or_default(),
        pull_secrets: spec.image_pull_secrets.unwrap_or_default(),
        persistence: spec.persistence.unwrap_or_default(),
        lifecycle: if spec.suspend { Lifecycle::Suspended } else { Lifecycle::Running },
    };
    security::check(&resolved.pod)?;
    mounts::check(&resolved)?;
    Ok(resolved)
}

/// The API server checks new agents; this one may be older than that rule.
fn identity(agent: &Agent) -> Result<AgentId, Invalid> {
    let identity = AgentId::of(agent);
    if identity.name.len() <= names::MAX_AGENT_NAME && !identity.name.contains('.') {
        return Ok(identity);
    }
    let most = names::MAX_AGENT_NAME;
    let message = format!("it is also a Service's name: at most {most} characters, without dots");
    Err(Invalid::spec("metadata.name", message))
}

fn workspace_dir(spec: &AgentSpec) -> Result<String, Invalid> {
    let dir = spec.workspace_dir.as_deref().unwrap_or(names::DEFAULT_WORKSPACE_DIR);
    let path = place::absolute(dir).and_then(place::free);
    path.map_err(|why| Invalid::spec("spec.workspaceDir", why))
}

/// The API server checks each list by itself; a template's meets the agent's port here.
fn extra_ports(spec: &AgentSpec, server: u16) -> Result<Vec<ExtraPort>, Invalid> {
    let ports = spec.extra_ports.clone().unwrap_or_default();
    let taken = |extra: &&ExtraPort| extra.port == server && extra.protocol == PortProtocol::Tcp;
    match ports.iter().find(taken) {
        None => Ok(ports),
        Some(extra) => {
            let message = format!(
                "{:?} takes port {server}, which is the server's: choose another, or change spec.port",
                extra.name
            );
            Err(Invalid::spec("spec.extraPorts", message))
        }
    }
}

#[cfg(test)]
mod blank_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod property_tests;
#[cfg(test)]
mod tests;
