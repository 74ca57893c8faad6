//! Brings one object of an agent to its desired state by server-side apply, as the
//! only field manager of this project. It must not touch an object that the agent
//! does not control.

mod delete;
mod memory;
mod record;

use std::sync::Arc;

use api_types::{Agent, names::FIELD_MANAGER};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{Patch, PatchParams},
    runtime::reflector::{ObjectRef, Store},
};
use serde_json::{Value, json};

use crate::{
    error::ControllerError,
    held::Held,
    kinds::Child,
    observe::{self, Observed},
    refusal::Refusal,
    spans,
};
use memory::{Memory, Newest, ObjectKey};
use record::Record;

/// The outcome of applying one object.
#[derive(Clone, Debug)]
pub enum Outcome<K: Child> {
    /// It is as desired.
    InPlace(Arc<Held<K>>),
    /// It is being deleted; it can be created again once it is gone.
    Ending,
    /// The name is taken by an object that is not the agent's.
    Conflict,
    Refused(Refusal),
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

/// Applies objects, and remembers of each what makes another apply unnecessary.
#[derive(Clone)]
pub struct Applier {
    client: Client,
    memory: Arc<Memory>,
}

impl Applier {
    pub fn new(client: Client) -> Self {
        Self { client, memory: Arc::default() }
    }

    /// Takes the newer of `cached` and what was written last, so that an unchanged agent costs no
    /// request. A name that neither knows passes for free: if it is not, creating the object fails,
    /// and the next look asks the API server.
    pub async fn observe<K: Child>(
        &self,
        owner: Owner<'_>,
        name: &str,
        cached: Option<Arc<Held<K>>>,
    ) -> Result<Observed<K>, ControllerError> {
        match self.memory.newest(&owner.agent(), &key::<K>(name), cached) {
            Newest::Known(object) => Ok(Observed::of(object, owner.uid)),
            Newest::Unseen => observe::read(&self.api(owner), name, owner.uid).await,
            Newest::Deleted | Newest::Unknown => Ok(Observed::Absent),
        }
    }

    /// The same for an object that should not exist, and does as far as its agent's status tells: of
    /// a name that is not known, the metadata is read from the API server.
    pub async fn observe_published<K: Child>(
        &self,
        owner: Owner<'_>,
        name: &str,
        cached: Option<Arc<Held<K>>>,
    ) -> Result<Observed<K>, ControllerError> {
        match self.memory.newest(&owner.agent(), &key::<K>(name), cached) {
            Newest::Known(object) => Ok(Observed::of(object, owner.uid)),
            Newest::Unseen | Newest::Deleted | Newest::Unknown => {
                observe::read(&self.api(owner), name, owner.uid).await
            }
        }
    }

    /// The agent's object as far as it is known without a request.
    pub fn known<K: Child>(
        &self,
        owner: Owner<'_>,
        name: &str,
        cache: &Store<Held<K>>,
    ) -> Option<Arc<Held<K>>> {
        match self.memory.newest(&owner.agent(), &key::<K>(name), cached(cache, owner, name)) {
            Newest::Known(object) => Some(object).filter(|object| object.is_owned_by(owner.uid)),
            Newest::Unseen | Newest::Deleted | Newest::Unknown => None,
        }
    }

    /// Creates or changes `desired` where it differs from what exists.
    pub async fn ensure<K: Child>(
        &self,
        owner: Owner<'_>,
        desired: &K,
        cache: &Store<Held<K>>,
    ) -> Result<Outcome<K>, ControllerError> {
        let name = desired.name_any();
        let observed = self.observe(owner, &name, cached(cache, owner, &name)).await?;
        self.ensure_observed(owner, desired, &observed).await
    }

    /// The same for an object that was looked up before.
    pub async fn ensure_observed<K: Child>(
        &self,
        owner: Owner<'_>,
        desired: &K,
        observed: &Observed<K>,
    ) -> Result<Outcome<K>, ControllerError> {
        let manifest = serde_json::to_value(desired)
            .map_err(|source| ControllerError::Json { kind: K::kind(&()).into_owned(), source })?;
        let key = key::<K>(&desired.name_any());
        match observed {
            Observed::Foreign => Ok(Outcome::Conflict),
            // What is applied to it would be deleted with it.
            Observed::Ending => Ok(Outcome::Ending),
            Observed::Owned(held) => {
                let record = Record::new(&manifest, held);
                if record.is_in_place() || self.memory.is_recorded(&owner.agent(), &key, &record) {
                    return Ok(Outcome::InPlace(held.clone()));
                }
                let guard = ("uid", held.uid.to_string());
                self.apply(owner, key, manifest, guard).await
            }
            Observed::Absent => self.create(owner, key, manifest).await,
        }
    }

    /// Without asking first whether the name is free: no stored object has this version, so that the
    /// request fails if there is one, whoever made it.
    async fn create<K: Child>(
        &self,
        owner: Owner<'_>,
        key: ObjectKey,
        manifest: Value,
    ) -> Result<Outcome<K>, ControllerError> {
        let guard = ("resourceVersion", "1".to_owned());
        let created = self.apply(owner, key.clone(), manifest, guard).await;
        let Err(taken) = created else { return created };
        if !taken.is_conflict() {
            return Err(taken);
        }
        self.memory.taken(owner.agent(), key.clone());
        match observe::read::<K>(&self.api(owner), &key.1, owner.uid).await? {
            Observed::Foreign => Ok(Outcome::Conflict),
            Observed::Ending => Ok(Outcome::Ending),
            // What is desired may depend on what the object holds: the next reconcile knows it.
            Observed::Owned(_) | Observed::Absent => Err(taken),
        }
    }

    /// Stops the agent's pod, and changes nothing else of its Deployment.
    pub async fn scale_to_zero(
        &self,
        owner: Owner<'_>,
        deployment: &Held<Deployment>,
    ) -> Result<Outcome<Deployment>, ControllerError> {
        let name = &*deployment.name;
        let body = json!({ "metadata": { "uid": deployment.uid }, "spec": { "replicas": 0 } });
        // Not an apply: one of a part would give up all other fields.
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
        let span = spans::apply(&Deployment::kind(&()), name);
        let written = self.api(owner).patch(name, &params, &Patch::Merge(&body)).await;
        spans::answered(&span, &written);
        self.outcome(owner, key::<Deployment>(name), written, |_| None)
    }

    /// Drops what is remembered of a deleted agent.
    pub fn forget(&self, agent: &ObjectRef<Agent>) {
        self.memory.forget(agent);
    }

    /// `guard` is a field of the metadata that makes the server refuse the patch
    /// unless it finds what was observed.
    async fn apply<K: Child>(
        &self,
        owner: Owner<'_>,
        key: ObjectKey,
        manifest: Value,
        guard: (&str, String),
    ) -> Result<Outcome<K>, ControllerError> {
        let mut guarded = manifest.clone();
        guarded["metadata"][guard.0] = json!(guard.1);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let span = spans::apply(&key.0, &key.1);
        let written = self.api::<K>(owner).patch(&key.1, &params, &Patch::Apply(&guarded)).await;
        spans::answered(&span, &written);
        self.outcome(owner, key, written, |held| {
            Some(Record::new(&manifest, held)).filter(|record| !record.is_in_place())
        })
    }

    fn outcome<K: Child>(
        &self,
        owner: Owner<'_>,
        key: ObjectKey,
        written: Result<K, kube::Error>,
        record: impl FnOnce(&Held<K>) -> Option<Record>,
    ) -> Result<Outcome<K>, ControllerError> {
        let (kind, name) = key.clone();
        match written {
            Ok(object) => {
                tracing::info!(kind, name, "applied");
                let held = Arc::new(Held::of(&object));
                let record = record(&held);
                self.memory.written(owner.agent(), key, record, &held);
                Ok(Outcome::InPlace(held))
            }
            Err(error) => match refused(&error) {
                Some(refusal) => Ok(Outcome::Refused(refusal)),
                None => Err(ControllerError::request("apply", kind, name)(error)),
            },
        }
    }

    fn api<K: Child>(&self, owner: Owner<'_>) -> Api<K> {
        Api::namespaced(self.client.clone(), owner.namespace)
    }
}

/// What a watch knows of an object of this name.
pub fn cached<K: Child>(
    cache: &Store<Held<K>>,
    owner: Owner<'_>,
    name: &str,
) -> Option<Arc<Held<K>>> {
    cache.get(&ObjectRef::new(name).within(owner.namespace))
}

fn key<K: Child>(name: &str) -> ObjectKey {
    (K::kind(&()).into_owned(), name.to_owned())
}

fn refused(error: &kube::Error) -> Option<Refusal> {
    match error {
        kube::Error::Api(status) => Refusal::of(status),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
