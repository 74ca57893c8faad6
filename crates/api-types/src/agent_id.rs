//! Which Agent: the one form in which every program names it. Pure.

use std::fmt;

use k8s_openapi::{
    api::core::v1::ObjectReference, apimachinery::pkg::apis::meta::v1::OwnerReference,
};
use kube::{Resource, ResourceExt};

use crate::Agent;

/// One Agent in the cluster. An Agent made again under the same name is another one, since its UID
/// differs. Ordered by namespace, then name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId {
    pub namespace: String,
    pub name: String,
    /// Empty where the API server never stored the Agent.
    pub uid: String,
}

impl AgentId {
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        uid: impl Into<String>,
    ) -> Self {
        Self { namespace: namespace.into(), name: name.into(), uid: uid.into() }
    }

    /// Of an Agent, in whatever form it was read.
    pub fn of(agent: &impl ResourceExt) -> Self {
        Self {
            namespace: agent.namespace().unwrap_or_default(),
            name: agent.name_any(),
            uid: agent.uid().unwrap_or_default(),
        }
    }

    /// Makes the garbage collector delete an object with its Agent. It does not block the Agent's
    /// deletion: where the API server enforces permissions on owners, as `OpenShift` does, that
    /// would take a right to the Agents' finalizers.
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

    /// What an Event is about.
    pub fn object_reference(&self) -> ObjectReference {
        ObjectReference {
            api_version: Some(Agent::api_version(&()).into_owned()),
            kind: Some(Agent::kind(&()).into_owned()),
            namespace: Some(self.namespace.clone()),
            name: Some(self.name.clone()),
            uid: Some(self.uid.clone()),
            ..ObjectReference::default()
        }
    }
}

/// `namespace/name`, as logs and messages have it.
impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_name_kind_and_version() {
        let id = AgentId::new("team-a", "demo", "uid-1");
        let (owner, object) = (id.owner_reference(), id.object_reference());
        assert_eq!((owner.kind.as_str(), owner.controller), ("Agent", Some(true)));
        assert_eq!(owner.api_version, "kubeopencode.io/v1alpha1");
        assert_eq!(object.api_version.as_deref(), Some("kubeopencode.io/v1alpha1"));
        assert_eq!((object.kind.as_deref(), object.uid.as_deref()), (Some("Agent"), Some("uid-1")));
        assert_eq!(id.to_string(), "team-a/demo");
    }
}
