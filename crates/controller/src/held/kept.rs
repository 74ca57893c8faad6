//! What a reconcile reads of each kind, beside identity and owner. Pure.

use std::fmt;

use api_types::{labels, names};
use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentStatus},
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
};
use serde_json::json;

use super::{Digest, hash};
use crate::kinds::Child;

/// How far a Deployment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    Suspended,
    #[default]
    Starting,
    /// What was asked for last is what runs.
    Available,
}

/// Of a Deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    pub stage: Stage,
    /// Of its selector.
    pub selector: Option<Digest>,
    /// The commits that its pods are started for; they are known from nothing else.
    pub revision: Option<Box<str>>,
    /// The digest of what users own and its pods use.
    pub references: Option<Box<str>>,
    /// Why no pod can be created, in the API server's words.
    pub rejection: Option<Box<str>>,
}

/// Of a Secret: the texts that are read of those of ours.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub token: Option<Box<str>>,
    pub password: Option<Box<str>>,
}

/// None of them may be printed.
impl fmt::Debug for Texts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Texts(redacted)")
    }
}

impl Child for Deployment {
    type Kept = Workload;

    fn kept(&self) -> Workload {
        let spec = self.spec.as_ref();
        let annotations =
            spec.and_then(|spec| spec.template.metadata.as_ref()?.annotations.as_ref());
        let annotation =
            |key| annotations.and_then(|all| all.get(key)).map(|text| text.as_str().into());
        Workload {
            stage: stage(self),
            selector: spec.map(|spec| hash(json!(spec.selector))),
            revision: annotation(labels::GIT_REVISION),
            references: annotation(labels::REFERENCES_HASH),
            rejection: self.status.as_ref().and_then(rejection),
        }
    }
}

impl Child for Secret {
    type Kept = Texts;

    fn kept(&self) -> Texts {
        let text = |key| {
            let value = &self.data.as_ref()?.get(key)?.0;
            std::str::from_utf8(value).ok().map(Into::into)
        };
        Texts { token: text(names::SHARE_TOKEN_KEY), password: text(names::SERVER_PASSWORD_KEY) }
    }
}

impl Child for ConfigMap {
    type Kept = ();

    fn kept(&self) {}
}

impl Child for PersistentVolumeClaim {
    type Kept = ();

    fn kept(&self) {}
}

impl Child for Service {
    type Kept = ();

    fn kept(&self) {}
}

fn stage(deployment: &Deployment) -> Stage {
    if deployment.spec.as_ref().and_then(|spec| spec.replicas) == Some(0) {
        return Stage::Suspended;
    }
    let Some(status) = &deployment.status else { return Stage::Starting };
    let is_current = status.observed_generation >= deployment.metadata.generation;
    let has_one = |count: Option<i32>| count.unwrap_or(0) > 0;
    if is_current && has_one(status.updated_replicas) && has_one(status.ready_replicas) {
        Stage::Available
    } else {
        Stage::Starting
    }
}

fn rejection(status: &DeploymentStatus) -> Option<Box<str>> {
    let mut conditions = status.conditions.iter().flatten();
    let failure = conditions.find(|one| one.type_ == "ReplicaFailure" && one.status == "True")?;
    Some(failure.message.as_deref().unwrap_or_default().into())
}
