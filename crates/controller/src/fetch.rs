//! Everything that a reconcile needs to know, gathered before anything is decided.

use std::{collections::BTreeSet, sync::Arc};

use api_types::{Agent, AgentId, AgentTemplate, labels, names};
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    runtime::reflector::{Lookup, ObjectRef, Store},
};

use crate::{
    error::ControllerError,
    guard::Guarded,
    random,
    secret::{FreshTokens, Password},
    status::Reference,
    stores::Stores,
};

/// One agent and what surrounds it.
pub struct Fetched {
    pub template: Option<Arc<Guarded<AgentTemplate>>>,
    /// Generated each time and mostly discarded, so that the pure steps need no randomness.
    pub fresh_tokens: FreshTokens,
    pub fresh_password: Password,
}

/// Reads the caches.
pub fn fetch(
    stores: &Stores,
    agent: &Agent,
    identity: &AgentId,
) -> Result<Fetched, ControllerError> {
    let template = agent.spec.template_ref.as_ref();
    Ok(Fetched {
        template: template
            .and_then(|template| in_namespace(&stores.templates, &template.name, identity)),
        fresh_tokens: FreshTokens::from_bytes(&random::bytes()?),
        fresh_password: Password::from_bytes(&random::bytes()?),
    })
}

/// The image pull Secrets that do not exist. Of each only the metadata is read, once, however often it is named. What
/// else is missing is known from [`Contents`](crate::contents::Contents), and a missing ServiceAccount shows in the
/// Deployment's status.
pub async fn missing_pull_secrets(
    client: &Client,
    identity: &AgentId,
    mut references: Vec<Reference>,
) -> Result<Vec<Reference>, ControllerError> {
    references.retain(|reference| reference.is_pull_secret() && !reference.optional);
    let mut absent: BTreeSet<_> = references.iter().map(|one| one.name.clone()).collect();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &identity.namespace);
    for name in absent.clone() {
        let found = secrets.get_metadata_opt(&name).await;
        if found
            .map_err(ControllerError::request("get", <Secret as Resource>::kind(&()), &name))?
            .is_some()
        {
            absent.remove(&name);
        }
    }
    references.retain(|reference| absent.contains(&reference.name));
    Ok(references)
}

/// The pods of the agent's Deployment: those with its labels that a `ReplicaSet` made.
pub fn pods(stores: &Stores, identity: &AgentId) -> Vec<Arc<Pod>> {
    let prefix = format!("{}-", names::deployment(&identity.name));
    let is_ours = |pod: &Arc<Pod>| {
        pod.labels().get(labels::AGENT) == Some(&identity.name)
            && pod
                .owner_references()
                .iter()
                .any(|owner| owner.kind == "ReplicaSet" && owner.name.starts_with(&prefix))
    };
    let names = stores.pods_of.of(&identity.namespace, &identity.name);
    let found = names.iter().filter_map(|name| in_namespace(&stores.pods, name, identity));
    found.filter(is_ours).collect()
}

fn in_namespace<K>(cache: &Store<K>, name: &str, identity: &AgentId) -> Option<Arc<K>>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    cache.get(&ObjectRef::new(name).within(&identity.namespace))
}
