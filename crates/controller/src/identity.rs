//! Who an agent is: what the names, labels and owner references of its objects are
//! made of. Pure.

use api_types::Agent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Resource, ResourceExt};

/// An agent in the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    pub name: String,
    pub namespace: String,
    pub uid: String,
}

impl Identity {
    pub fn of(agent: &Agent) -> Self {
        Self {
            name: agent.name_any(),
            namespace: agent.namespace().unwrap_or_default(),
            uid: agent.uid().unwrap_or_default(),
        }
    }

    /// Makes the garbage collector delete an object with its agent. It does not block
    /// the agent's deletion: where the API server enforces permissions on owners, as
    /// `OpenShift` does, that would take a right to the agents' finalizers.
    pub fn owner_reference(&self) -> OwnerReference {
        OwnerReference {
            api_version: Agent::api_version(&()).into_owned(),
            kind: Agent::kind(&()).into_owned(),
            name: self.name.clone(),
            uid: self.uid.clone(),
            controller: Some(true),
            block_owner_deletion: None,
        }
    }
}
