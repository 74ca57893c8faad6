//! Which pod an agent's terminal is in, by owner references. Pure. Labels only narrowed the list down,
//! and are trusted for nothing: anybody who may make a pod may label it.

use std::cmp::Ordering;

use k8s_openapi::{
    api::core::v1::Pod,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};

use crate::{names, serves};

/// Where to exec.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub namespace: String,
    pub pod: String,
    /// The port of the agent's server inside the pod.
    pub port: u16,
}

/// Why there is no pod to open a terminal in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    #[error("the agent has no Deployment of its own")]
    NoDeployment,
    #[error("no pod of the agent is running and ready")]
    NoReadyPod,
}

impl Target {
    /// The newest ready pod whose owner chain is pod → `replica_sets` → `deployment` → the agent of `agent_uid`.
    pub fn choose(
        agent_uid: &str,
        deployment: &ObjectMeta,
        replica_sets: &[ObjectMeta],
        pods: &[Pod],
    ) -> Result<Self, NoTarget> {
        if !is_owned(deployment, "Agent", agent_uid) {
            return Err(NoTarget::NoDeployment);
        }
        let deployment_uid = deployment.uid.as_deref().ok_or(NoTarget::NoDeployment)?;
        let replica_sets: Vec<&str> = replica_sets
            .iter()
            .filter(|set| is_owned(set, "Deployment", deployment_uid))
            .filter_map(|set| set.uid.as_deref())
            .collect();

        pods.iter()
            .filter(|pod| serves(pod))
            .filter(|pod| replica_sets.iter().any(|uid| is_owned(&pod.metadata, "ReplicaSet", uid)))
            .max_by(|a, b| by_age(a, b))
            .and_then(target)
            .ok_or(NoTarget::NoReadyPod)
    }
}

fn controller(meta: &ObjectMeta) -> Option<&OwnerReference> {
    meta.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

fn is_owned(meta: &ObjectMeta, kind: &str, uid: &str) -> bool {
    controller(meta).is_some_and(|owner| owner.kind == kind && owner.uid == uid)
}

fn by_age(a: &Pod, b: &Pod) -> Ordering {
    let key = |pod: &Pod| {
        let made = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (made, pod.metadata.name.clone())
    };
    key(a).cmp(&key(b))
}

fn target(pod: &Pod) -> Option<Target> {
    Some(Target {
        namespace: pod.metadata.namespace.clone()?,
        pod: pod.metadata.name.clone()?,
        port: server_port(pod).unwrap_or(names::DEFAULT_PORT),
    })
}

/// The server container's port named `http`.
fn server_port(pod: &Pod) -> Option<u16> {
    let containers = &pod.spec.as_ref()?.containers;
    let server = containers.iter().find(|container| container.name == names::SERVER_CONTAINER)?;
    let http = server.ports.iter().flatten().find(|port| port.name.as_deref() == Some("http"))?;
    u16::try_from(http.container_port).ok()
}

#[cfg(test)]
mod tests;
