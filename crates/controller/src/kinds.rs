//! What all kinds of objects that an agent owns have in common, for code that
//! treats them alike.

use std::fmt::Debug;

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Secret, Service},
    },
};
use kube::Resource;
use serde::{Serialize, de::DeserializeOwned};

/// A kind of object that the controller creates for an agent.
pub trait Child:
    Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl Child for ConfigMap {}
impl Child for Deployment {}
impl Child for Secret {}
impl Child for Service {}
