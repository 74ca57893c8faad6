//! Whether a name is free, ours, or taken by another object. It must not read the content of an
//! object that is not ours.

use std::sync::Arc;

use kube::Api;

use crate::{error::ControllerError, held::Held, kinds::Child};

/// What exists under a name that the agent uses.
#[derive(Clone, Debug)]
pub enum Observed<K: Child> {
    Absent,
    /// The agent controls it.
    Owned(Arc<Held<K>>),
    /// The agent controls it, and it is being deleted.
    Ending,
    /// The agent does not control it: never adopted, changed or deleted.
    Foreign,
}

impl<K: Child> Observed<K> {
    /// Of an object that exists.
    pub fn of(object: Arc<Held<K>>, owner_uid: &str) -> Self {
        if !object.is_owned_by(owner_uid) {
            Self::Foreign
        } else if object.is_ending {
            Self::Ending
        } else {
            Self::Owned(object)
        }
    }

    pub fn owned(&self) -> Option<&Arc<Held<K>>> {
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
        Some(found) if Held::<K>::identity(&found.metadata).is_owned_by(owner_uid) => {
            let object = api.get_opt(name).await;
            let object = object.map_err(ControllerError::request("get", K::kind(&()), name))?;
            Ok(object.map_or(Observed::Absent, |object| {
                Observed::of(Arc::new(Held::of(&object)), owner_uid)
            }))
        }
        Some(_) => Ok(Observed::Foreign),
    }
}
