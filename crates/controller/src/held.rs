//! What is kept in memory of an object that is made for an agent: what a reconcile reads of it, and no more. An agent
//! has five or six of them, and most of what the API server sends of each is never asked for.

mod kept;
mod ours;

use std::{borrow::Cow, fmt::Debug};

use api_types::{Agent, labels};
use kube::{Resource, core::ObjectMeta, runtime::reflector::Lookup};

use crate::kinds::{Child, version};

pub use kept::{Claim, Stage, Texts, Workload};
pub use ours::{Digest, hash};

/// One object, at one version of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<K: Child> {
    pub name: Box<str>,
    pub namespace: Box<str>,
    pub uid: Box<str>,
    pub version: Option<u64>,
    /// It is being deleted.
    pub is_ending: bool,
    /// The name of its agent: by the label, or by its owner where it has no label.
    pub agent: Option<Box<str>>,
    /// The UID of the agent that controls it.
    controller: Option<Box<str>>,
    /// Of the fields that the server says are ours, with their values.
    pub ours: Option<Digest>,
    pub kept: K::Kept,
}

impl<K: Child> Held<K> {
    /// Reads all of `object`: what is ours of it is known from nothing less.
    pub fn of(object: &K) -> Self {
        Self { ours: ours::ours(object), kept: object.kept(), ..Self::identity(object.meta()) }
    }

    /// Of an object that is gone, or cannot be read: whose it was.
    pub fn identity(metadata: &ObjectMeta) -> Self {
        let text = |text: &Option<String>| text.as_deref().unwrap_or_default().into();
        let owners = metadata.owner_references.as_deref().unwrap_or_default();
        let labels = metadata.labels.as_ref();
        let agent = labels.and_then(|all| all.get(labels::AGENT)).or_else(|| {
            let agents = owners.iter().filter(|owner| owner.kind == <Agent as Resource>::kind(&()));
            agents.map(|owner| &owner.name).next()
        });
        let controller = owners.iter().find(|owner| owner.controller == Some(true));
        Self {
            name: text(&metadata.name),
            namespace: text(&metadata.namespace),
            uid: text(&metadata.uid),
            version: version(metadata),
            is_ending: metadata.deletion_timestamp.is_some(),
            agent: agent.map(|name| name.as_str().into()),
            controller: controller.map(|owner| owner.uid.as_str().into()),
            ours: None,
            kept: K::Kept::default(),
        }
    }

    /// Whether the agent with this UID controls the object.
    pub fn is_owned_by(&self, uid: &str) -> bool {
        self.controller.as_deref() == Some(uid)
    }
}

/// UID and version are left out of the keys of a cache: the object has both.
impl<K: Child> Lookup for Held<K> {
    type DynamicType = ();

    fn kind((): &()) -> Cow<'_, str> {
        <K as Resource>::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        <K as Resource>::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        <K as Resource>::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        <K as Resource>::plural(&())
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.name))
    }

    fn namespace(&self) -> Option<Cow<'_, str>> {
        Some(Cow::Borrowed(&self.namespace))
    }

    fn resource_version(&self) -> Option<Cow<'_, str>> {
        None
    }

    fn uid(&self) -> Option<Cow<'_, str>> {
        None
    }
}

#[cfg(test)]
mod tests;
