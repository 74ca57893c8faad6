//! Deletes objects of an agent, or keys of one. It must not delete another object that took a name since.

use std::sync::Arc;

use api_types::names::FIELD_MANAGER;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Resource,
    api::{DeleteParams, Patch, PatchParams, Preconditions, PropagationPolicy},
    runtime::reflector::Store,
};
use serde_json::{Map, Value, json};

use super::{Applier, Outcome, Owner, cached, key};
use crate::{error::ControllerError, held::Held, kinds::Child, spans};

impl Applier {
    /// Deletes an object of the agent's that is not desired any more.
    pub async fn prune<K: Child>(
        &self,
        owner: Owner<'_>,
        name: &str,
        cache: &Store<Held<K>>,
    ) -> Result<(), ControllerError> {
        let leftover = self.observe(owner, name, cached(cache, owner, name)).await?;
        match leftover.owned() {
            Some(object) => self.delete(owner, object).await,
            None => Ok(()),
        }
    }

    /// Deletes exactly this object, not one that took its name since, and what it owns after it.
    pub async fn delete<K: Child>(
        &self,
        owner: Owner<'_>,
        object: &Held<K>,
    ) -> Result<(), ControllerError> {
        self.delete_by(owner, object, PropagationPolicy::Background).await
    }

    /// The same, but it is there until what it owns is gone.
    pub async fn delete_after_dependents<K: Child>(
        &self,
        owner: Owner<'_>,
        object: &Held<K>,
    ) -> Result<(), ControllerError> {
        self.delete_by(owner, object, PropagationPolicy::Foreground).await
    }

    /// Deletes keys of a Secret, whoever else wrote to them.
    pub async fn remove_keys(
        &self,
        owner: Owner<'_>,
        secret: &Held<Secret>,
        keys: &[String],
    ) -> Result<Outcome<Secret>, ControllerError> {
        let name = &*secret.name;
        let gone: Map<_, _> = keys.iter().map(|key| (key.clone(), Value::Null)).collect();
        // A merge patch: an apply keeps what has another manager as well.
        let body = json!({ "metadata": { "uid": secret.uid }, "data": gone });
        let params =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..Default::default() };
        let span = spans::apply(&Secret::kind(&()), name);
        let written = self.api(owner).patch(name, &params, &Patch::Merge(&body)).await;
        spans::answered(&span, &written);
        self.outcome(owner, key::<Secret>(name), written, |_| None)
    }

    async fn delete_by<K: Child>(
        &self,
        owner: Owner<'_>,
        object: &Held<K>,
        propagation: PropagationPolicy,
    ) -> Result<(), ControllerError> {
        let (kind, name) = (K::kind(&()), &*object.name);
        let this = Preconditions { uid: Some(object.uid.to_string()), resource_version: None };
        let params = DeleteParams {
            propagation_policy: Some(propagation),
            ..DeleteParams::default().preconditions(this)
        };
        let key = key::<K>(name);
        let span = spans::delete(&kind, name);
        let answered = self.api::<K>(owner).delete(name, &params).await;
        spans::answered(&span, &answered);
        match answered {
            // Something holds it up: it is there until that is done.
            Ok(answer) if answer.as_ref().left().is_some_and(is_ending) => {
                tracing::info!(%kind, name, "being deleted");
                if let Some(ending) = answer.left() {
                    self.memory.written(owner.agent(), key, None, &Arc::new(Held::of(&ending)));
                }
                return Ok(());
            }
            Ok(_) => tracing::info!(%kind, name, "deleted"),
            // Gone already, or another one by now: either way not ours to delete.
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
            Err(error) => {
                return Err(ControllerError::request("delete", kind, name)(error));
            }
        }
        self.memory.deleted(owner.agent(), key, object.uid.clone());
        Ok(())
    }
}

fn is_ending<K: Child>(object: &K) -> bool {
    object.meta().deletion_timestamp.is_some()
}
