//! Whether a name is free, ours, or taken by another object. It must not read the content of an
//! object that is not ours.

use std::sync::Arc;

use kube::{Api, ResourceExt};

use crate::{error::ControllerError, kinds::Child};

/// What exists under a name that the agent uses.
#[derive(Clone, Debug)]
pub enum Observed<K> {
    Absent,
    /// The agent controls it.
    Owned(Arc<K>),
    /// The agent controls it, and it is being deleted.
    Ending,
    /// The agent does not control it: never adopted, changed or deleted.
    Foreign,
}

impl<K: Child> Observed<K> {
    /// Of an object that exists.
    pub fn of(object: Arc<K>, owner_uid: &str) -> Self {
        if !is_owned(&*object, owner_uid) {
            Self::Foreign
        } else if object.meta().deletion_timestamp.is_some() {
            Self::Ending
        } else {
            Self::Owned(object)
        }
    }

    pub fn owned(&self) -> Option<&Arc<K>> {
        match self {
            Self::Owned(object) => Some(object),
            Self::Absent | Self::Ending | Self::Foreign => None,
        }
    }
}

/// Reads the metadata from the API server, and the object where it is the agent's: it was created a
/// moment ago, or its labels were removed.
pub async fn read<K: Child>(
    api: &Api<K>,
    name: &str,
    owner_uid: &str,
) -> Result<Observed<K>, ControllerError> {
    let found = api.get_metadata_opt(name).await;
    match found.map_err(ControllerError::request("get", K::kind(&()), name))? {
        None => Ok(Observed::Absent),
        Some(metadata) if is_owned(&metadata, owner_uid) => {
            let object = api.get_opt(name).await;
            let object = object.map_err(ControllerError::request("get", K::kind(&()), name))?;
            Ok(object.map_or(Observed::Absent, |object| Observed::of(Arc::new(object), owner_uid)))
        }
        Some(_) => Ok(Observed::Foreign),
    }
}

/// Whether the agent with this UID controls the object.
pub fn is_owned(object: &impl ResourceExt, owner_uid: &str) -> bool {
    let ours = |uid: &str, controller| uid == owner_uid && controller == Some(true);
    object.owner_references().iter().any(|owner| ours(&owner.uid, owner.controller))
}
