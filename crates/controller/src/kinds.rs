//! The kinds of objects that are watched, and what those that an agent owns have in common, for
//! code that treats them alike.

use std::fmt::Debug;

use api_types::{Agent, AgentTemplate};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service},
};
use kube::core::ObjectMeta;
use serde::Serialize;

use crate::guard::{ManagedFields, Watched};

/// A kind of object that the controller creates for an agent.
pub trait Child: Watched + Serialize + Default {
    /// What is kept in memory of one, beside its identity.
    type Kept: Clone + Debug + Default + PartialEq + Send + Sync + 'static;

    fn kept(&self) -> Self::Kept;
}

impl Watched for Agent {}
impl Watched for AgentTemplate {}
impl Watched for Pod {}

// By these it is seen that nobody else changed an object of ours.
impl Watched for ConfigMap {
    const MANAGED_FIELDS: ManagedFields = ManagedFields::Read;
}
impl Watched for Deployment {
    const MANAGED_FIELDS: ManagedFields = ManagedFields::Read;
}
impl Watched for PersistentVolumeClaim {
    const MANAGED_FIELDS: ManagedFields = ManagedFields::Read;
}
impl Watched for Secret {
    const MANAGED_FIELDS: ManagedFields = ManagedFields::Read;
}
impl Watched for Service {
    const MANAGED_FIELDS: ManagedFields = ManagedFields::Read;
}

/// The version of an object. Those of one kind are ordered numbers: promised from Kubernetes 1.35 on, and so before.
pub(crate) fn version(metadata: &ObjectMeta) -> Option<u64> {
    metadata.resource_version.as_ref()?.parse().ok()
}
