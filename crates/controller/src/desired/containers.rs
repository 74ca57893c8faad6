//! The containers of an agent's pod. None is started through a shell. Pure.

use std::collections::BTreeMap;

use api_types::{DEFAULT_MEMORY_LIMIT, DEFAULT_MEMORY_REQUEST, names};
use k8s_openapi::{
    api::core::v1::{Container, ContainerPort, ResourceRequirements, VolumeMount},
    apimachinery::pkg::api::resource::Quantity,
};

use super::{credentials, env, probes, security, volumes};
use crate::resolve::{Pull, ResolvedAgent};

/// Where the agent works.
pub(super) fn server(agent: &ResolvedAgent) -> Container {
    let port = agent.port.to_string();
    let serve = [names::OPENCODE_BINARY, "serve", "--port", &port, "--hostname", "0.0.0.0"];
    Container {
        command: Some(argv(serve)),
        working_dir: Some(agent.workspace_dir.clone()),
        ports: Some(ports(agent)),
        env: env::of_server(agent),
        env_from: credentials::env_from(&agent.credentials),
        volume_mounts: Some(mounts(agent)),
        resources: Some(
            agent
                .pod
                .resources
                .clone()
                .unwrap_or_else(|| memory(DEFAULT_MEMORY_REQUEST, DEFAULT_MEMORY_LIMIT)),
        ),
        lifecycle: agent.pod.lifecycle.clone(),
        startup_probe: Some(probes::startup(agent.port)),
        readiness_probe: Some(probes::readiness(agent.port)),
        liveness_probe: Some(probes::liveness()),
        ..container(agent, names::SERVER_CONTAINER, &agent.images.executor)
    }
}

/// What all of them have in common.
pub(super) fn container(agent: &ResolvedAgent, name: &str, image: &str) -> Container {
    Container {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        image_pull_policy: Some(pull_policy(&agent.images.pull, image).to_owned()),
        security_context: Some(security::of_container(&agent.pod)),
        // The pod's status then says why a container failed; nobody needs its log.
        termination_message_policy: Some("FallbackToLogsOnError".to_owned()),
        ..Container::default()
    }
}

fn pull_policy<'a>(pull: &'a Pull, image: &str) -> &'a str {
    match pull {
        Pull::Fixed(policy) => policy,
        Pull::ByTag if is_latest(image) => "Always",
        Pull::ByTag => "IfNotPresent",
    }
}

/// As the API server would decide: `latest`, or neither tag nor digest. A colon
/// before the last slash is a registry's port.
fn is_latest(image: &str) -> bool {
    if image.contains('@') {
        return false;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').is_none_or(|(_, tag)| tag == "latest")
}

fn ports(agent: &ResolvedAgent) -> Vec<ContainerPort> {
    let port = |name: &str, port: u16, protocol: &str| ContainerPort {
        name: Some(name.to_owned()),
        container_port: port.into(),
        protocol: Some(protocol.to_owned()),
        ..ContainerPort::default()
    };
    let http = port(names::HTTP_PORT_NAME, agent.port, "TCP");
    let extra = agent.extra_ports.iter().map(|e| port(&e.name, e.port, e.protocol.as_str()));
    std::iter::once(http).chain(extra).collect()
}

fn mounts(agent: &ResolvedAgent) -> Vec<VolumeMount> {
    let users = agent.pod.extra_volume_mounts.clone().unwrap_or_default();
    [volumes::own_mounts(agent), credentials::mounts(&agent.credentials), users].concat()
}

/// Of a container that asks for nothing else.
pub(super) fn memory(request: &str, limit: &str) -> ResourceRequirements {
    let memory =
        |amount: &str| Some(BTreeMap::from([("memory".to_owned(), Quantity(amount.to_owned()))]));
    ResourceRequirements {
        requests: memory(request),
        limits: memory(limit),
        ..ResourceRequirements::default()
    }
}

pub(super) fn argv<const N: usize>(words: [&str; N]) -> Vec<String> {
    words.map(str::to_owned).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_without_a_fixed_tag_are_pulled_each_time() {
        let cases = [
            ("devbox", "Always"),
            ("devbox:latest", "Always"),
            ("registry.example:5000/team/devbox", "Always"),
            ("registry.example:5000/team/devbox:1.2", "IfNotPresent"),
            ("devbox@sha256:0123", "IfNotPresent"),
            ("devbox:latest@sha256:0123", "IfNotPresent"),
        ];
        for (image, expected) in cases {
            assert_eq!(pull_policy(&Pull::ByTag, image), expected, "{image}");
            assert_eq!(pull_policy(&Pull::Fixed("Never".into()), image), "Never", "{image}");
        }
    }
}
