//! Whether a name is free, ours, or taken by another object. It must not read the content of an
//! object that is not ours.

use std::sync::Arc;

use kube::{
    Api, ResourceExt,
    runtime::reflector::{ObjectRef, Store},
};

use crate::{error::ControllerError, kinds::Child};

/// What exists under a name that the agent uses.
#[derive(Clone, Debug)]
pub enum Observed<K> {
    Absent,
    /// The agent controls it.
    Owned(Arc<K>),
    /// The agent does not control it: never adopted, changed or deleted.
    Foreign,
}

impl<K> Observed<K> {
    pub fn owned(&self) -> Option<&K> {
        match self {
            Self::Owned(object) => Some(object),
            Self::Absent | Self::Foreign => None,
        }
    }
}

/// Reads the cache first, which holds whatever carries our labels, so that an unchanged agent
/// costs no request. Of a name that is not in it, the metadata is read from the API server.
pub async fn observe<K: Child>(
    api: &Api<K>,
    cache: &Store<K>,
    namespace: &str,
    name: &str,
    owner_uid: &str,
) -> Result<Observed<K>, ControllerError> {
    if let Some(cached) = cache.get(&ObjectRef::new(name).within(namespace)) {
        return Ok(if is_owned(&*cached, owner_uid) {
            Observed::Owned(cached)
        } else {
            Observed::Foreign
        });
    }
    let found = api.get_metadata_opt(name).await;
    match found.map_err(ControllerError::request("get", K::kind(&()), name))? {
        None => Ok(Observed::Absent),
        // Ours, but not in the cache: created a moment ago, or its labels were removed.
        Some(metadata) if is_owned(&metadata, owner_uid) => {
            let object = api.get(name).await;
            let object = object.map_err(ControllerError::request("get", K::kind(&()), name))?;
            Ok(Observed::Owned(Arc::new(object)))
        }
        Some(_) => Ok(Observed::Foreign),
    }
}

/// Whether the agent with this UID controls the object.
pub fn is_owned(object: &impl ResourceExt, owner_uid: &str) -> bool {
    let ours = |uid: &str, controller| uid == owner_uid && controller == Some(true);
    object.owner_references().iter().any(|owner| ours(&owner.uid, owner.controller))
}
