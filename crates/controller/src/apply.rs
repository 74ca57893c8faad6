//! Brings one object of an agent to its desired state by server-side apply, as the
//! only field manager of this project. It must not touch an object that the agent
//! does not control.

mod record;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api_types::{Agent, names::FIELD_MANAGER};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, Patch, PatchParams, Preconditions},
    runtime::reflector::{ObjectRef, Store},
};
use serde_json::{Value, json};

use crate::{
    error::ControllerError,
    kinds::Child,
    observe::{Observed, is_owned, observe},
};
use record::Record;

/// The outcome of applying one object.
#[derive(Clone, Debug)]
pub enum Outcome<K> {
    /// It is as desired.
    InPlace(Arc<K>),
    /// The name is taken by an object that is not the agent's.
    Conflict,
    /// The server rejected the content: the user's mistake, in the server's words.
    Rejected(String),
}

/// Whose object it is, and where it lives.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub namespace: &'a str,
    pub name: &'a str,
    pub uid: &'a str,
}

impl Owner<'_> {
    fn agent(&self) -> ObjectRef<Agent> {
        ObjectRef::new(self.name).within(self.namespace)
    }
}

/// Kind and name of an object of one agent.
type ObjectKey = (String, String);
/// What was applied, of each living agent.
type Records = HashMap<ObjectRef<Agent>, HashMap<ObjectKey, Record>>;

/// Applies objects, and remembers of each what makes another apply unnecessary.
#[derive(Clone)]
pub struct Applier {
    client: Client,
    /// One entry for each living object; an agent's are dropped with it. Lost at a
    /// restart, after which each object is applied once: that also finds whatever
    /// moved in between.
    applied: Arc<Mutex<Records>>,
}

impl Applier {
    pub fn new(client: Client) -> Self {
        Self { client, applied: Arc::default() }
    }

    /// Creates or changes `desired` where it differs from what exists.
    pub async fn ensure<K: Child>(
        &self,
        owner: Owner<'_>,
        desired: &K,
        cache: &Store<K>,
    ) -> Result<Outcome<K>, ControllerError> {
        let name = desired.name_any();
        let api = Api::namespaced(self.client.clone(), owner.namespace);
        let observed = observe(&api, cache, owner.namespace, &name, owner.uid).await?;
        self.ensure_observed(owner, desired, &observed).await
    }

    /// The same for an object that was looked up before.
    pub async fn ensure_observed<K: Child>(
        &self,
        owner: Owner<'_>,
        desired: &K,
        observed: &Observed<K>,
    ) -> Result<Outcome<K>, ControllerError> {
        let kind = || K::kind(&()).into_owned();
        let manifest = serde_json::to_value(desired)
            .map_err(|source| ControllerError::Json { kind: kind(), source })?;
        let key = (kind(), desired.name_any());
        match observed {
            Observed::Foreign => Ok(Outcome::Conflict),
            Observed::Owned(held) if self.is_in_place(owner, &key, &manifest, &**held) => {
                Ok(Outcome::InPlace(held.clone()))
            }
            Observed::Owned(held) => {
                let guard = ("uid", held.uid().unwrap_or_default());
                self.patch(owner, key, manifest, guard).await
            }
            // No stored object has this version: the request fails if one turns up first.
            Observed::Absent => {
                self.patch(owner, key, manifest, ("resourceVersion", "1".to_owned())).await
            }
        }
    }

    /// Deletes an object of the agent's that is not desired any more.
    pub async fn prune<K: Child>(
        &self,
        owner: Owner<'_>,
        name: &str,
        cache: &Store<K>,
    ) -> Result<(), ControllerError> {
        let cached = cache.get(&ObjectRef::new(name).within(owner.namespace));
        match cached.filter(|object| is_owned(&**object, owner.uid)) {
            Some(object) => self.delete(owner, &*object).await,
            None => Ok(()),
        }
    }

    /// Deletes exactly this object, not one that took its name since.
    pub async fn delete<K: Child>(
        &self,
        owner: Owner<'_>,
        object: &K,
    ) -> Result<(), ControllerError> {
        let (kind, name) = (K::kind(&()), object.name_any());
        let api: Api<K> = Api::namespaced(self.client.clone(), owner.namespace);
        let this = Preconditions { uid: object.uid(), resource_version: None };
        let params = DeleteParams::default().preconditions(this);
        match api.delete(&name, &params).await {
            Ok(_) => tracing::info!(%kind, name, "deleted"),
            // Gone already, or another one by now: either way not ours to delete.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => {
                return Err(ControllerError::request("delete", kind, name)(error));
            }
        }
        if let Some(records) = self.records().get_mut(&owner.agent()) {
            records.remove(&(kind.into_owned(), name));
        }
        Ok(())
    }

    /// Drops what is remembered of a deleted agent.
    pub fn forget(&self, agent: &ObjectRef<Agent>) {
        self.records().remove(agent);
    }

    fn is_in_place<K: Child>(
        &self,
        owner: Owner<'_>,
        key: &ObjectKey,
        manifest: &Value,
        held: &K,
    ) -> bool {
        let records = self.records();
        let record = records.get(&owner.agent()).and_then(|objects| objects.get(key));
        record == Some(&Record::new(manifest, held.meta()))
    }

    /// `guard` is a field of the metadata that makes the server refuse the patch
    /// unless it finds what was observed.
    async fn patch<K: Child>(
        &self,
        owner: Owner<'_>,
        key: ObjectKey,
        manifest: Value,
        guard: (&str, String),
    ) -> Result<Outcome<K>, ControllerError> {
        let (kind, name) = key.clone();
        let mut guarded = manifest.clone();
        guarded["metadata"][guard.0] = json!(guard.1);
        let api: Api<K> = Api::namespaced(self.client.clone(), owner.namespace);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        match api.patch(&name, &params, &Patch::Apply(&guarded)).await {
            Ok(held) => {
                tracing::info!(kind, name, "applied");
                let record = Record::new(&manifest, held.meta());
                self.records().entry(owner.agent()).or_default().insert(key, record);
                Ok(Outcome::InPlace(Arc::new(held)))
            }
            Err(kube::Error::Api(status)) if status.is_invalid() || status.code == 400 => {
                Ok(Outcome::Rejected(status.message))
            }
            Err(error) => Err(ControllerError::request("apply", kind, name)(error)),
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        // Each change is one insertion or removal, so a panic elsewhere left nothing half done.
        self.applied.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
