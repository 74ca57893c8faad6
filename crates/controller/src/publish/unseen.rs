//! What was written of an Agent and no watch has delivered yet: a reconcile that reads the Agent as it was before
//! would write the same again.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use api_types::Agent;
use kube::{Resource, runtime::reflector::ObjectRef};

use crate::kinds::version;

/// An entry only until the watch has caught up: the version that the write left, and the value.
pub(super) struct Unseen<T>(Mutex<Entries<T>>);

type Entries<T> = HashMap<ObjectRef<Agent>, (u64, T)>;

impl<T> Default for Unseen<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Unseen<T> {
    /// What was written after the agent was as a watch told of it.
    pub(super) fn newest(&self, agent: &Agent) -> Option<T> {
        let (key, cached) = (ObjectRef::from_obj(agent), version(&agent.metadata)?);
        let mut entries = self.entries();
        let (written, value) = entries.get(&key)?;
        if cached < *written {
            return Some(value.clone());
        }
        entries.remove(&key);
        if entries.is_empty() {
            // A map keeps the room that its largest crowd took.
            *entries = HashMap::new();
        }
        None
    }

    /// A write was answered with `object`.
    pub(super) fn written(&self, agent: &Agent, object: &impl Resource, value: T) {
        if let Some(version) = version(object.meta()) {
            self.entries().insert(ObjectRef::from_obj(agent), (version, value));
        }
    }

    pub(super) fn forget(&self, agent: &ObjectRef<Agent>) {
        self.entries().remove(agent);
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.entries().is_empty()
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        // Each change is one insertion or removal, so a panic elsewhere left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
