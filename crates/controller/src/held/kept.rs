//! What a reconcile reads of each kind, beside identity and owner. Pure.

use std::{collections::BTreeMap, fmt};

use api_types::{LinkName, labels, names};
use k8s_openapi::api::{
    apps::v1::{Deployment, DeploymentStatus},
    core::v1::{ConfigMap, PersistentVolumeClaim, Secret, Service},
};
use serde_json::json;

use super::{Digest, hash};
use crate::{kinds::Child, refusal::shorten};

/// How far a Deployment is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    Suspended,
    #[default]
    Starting,
    /// There is a pod of what was asked for last, and it is not ready.
    Updated,
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
    /// The digest of the server's password when it was last applied.
    pub password: Option<Box<str>>,
    /// The digest of the password for which its pods were restarted.
    pub changed_password: Option<Box<str>>,
    /// Why no pod can be created, in the API server's words.
    pub rejection: Option<Box<str>>,
}

/// Of a Secret: the texts that are read of those of ours.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub token: Option<Box<str>>,
    pub password: Option<Box<str>>,
    /// What is under the keys of tokens of links beside the default link. What is no text is empty.
    pub links: Box<[(LinkName, Box<str>)]>,
}

/// Of a claim of a volume.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// What the cluster says of a size that it has accepted and the volume does not have yet.
    pub growth: Option<Box<str>>,
}

/// Conditions of a claim that grows, those of a failure first (Kubernetes, `PersistentVolumeClaimConditionType`).
const GROWTH: [&str; 4] =
    ["ControllerResizeError", "NodeResizeError", "FileSystemResizePending", "Resizing"];
/// The longest text of such a condition that is kept, in characters.
const LONGEST_GROWTH: usize = 300;

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
        let of_pods = spec.and_then(|spec| spec.template.metadata.as_ref()?.annotations.as_ref());
        let text = |all: Option<&BTreeMap<String, String>>, key: &str| {
            all.and_then(|all| all.get(key)).map(|text| text.as_str().into())
        };
        let annotation = |key| text(of_pods, key);
        Workload {
            stage: stage(self),
            selector: spec.map(|spec| hash(json!(spec.selector))),
            revision: annotation(labels::GIT_REVISION),
            references: annotation(labels::REFERENCES_HASH),
            password: text(self.metadata.annotations.as_ref(), labels::PASSWORD_HASH),
            changed_password: annotation(labels::PASSWORD_HASH),
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
        let links = self.data.iter().flatten().filter_map(|(key, value)| {
            let link = names::link_of_token_key(key)?;
            Some((link, std::str::from_utf8(&value.0).unwrap_or_default().into()))
        });
        Texts {
            token: text(names::SHARE_TOKEN_KEY),
            password: text(names::SERVER_PASSWORD_KEY),
            links: links.collect(),
        }
    }
}

impl Child for ConfigMap {
    type Kept = ();

    fn kept(&self) {}
}

impl Child for PersistentVolumeClaim {
    type Kept = Claim;

    fn kept(&self) -> Claim {
        let conditions =
            || self.status.iter().flat_map(|status| status.conditions.iter().flatten());
        let holds =
            |type_: &str| conditions().find(|one| one.type_ == type_ && one.status == "True");
        let growth = GROWTH.iter().find_map(|type_| holds(type_));
        let growth =
            growth.map(|one| match one.message.as_deref().filter(|says| !says.is_empty()) {
                Some(says) => format!("{}: {}", one.type_, shorten(says, LONGEST_GROWTH)),
                None => one.type_.clone(),
            });
        Claim { growth: growth.map(Into::into) }
    }
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
    match (is_current && has_one(status.updated_replicas), has_one(status.ready_replicas)) {
        (true, true) => Stage::Available,
        (true, false) => Stage::Updated,
        (false, _) => Stage::Starting,
    }
}

fn rejection(status: &DeploymentStatus) -> Option<Box<str>> {
    let mut conditions = status.conditions.iter().flatten();
    let failure = conditions.find(|one| one.type_ == "ReplicaFailure" && one.status == "True")?;
    Some(failure.message.as_deref().unwrap_or_default().into())
}
