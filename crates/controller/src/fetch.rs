//! Everything that a reconcile needs to know, gathered before anything is decided.

use std::{collections::BTreeSet, sync::Arc};

use api_types::{Agent, AgentId, AgentTemplate, ShareToken, labels, names};
use k8s_openapi::api::core::v1::{ConfigMap, Pod, Secret};
use kube::{
    Api, Client, ResourceExt,
    runtime::reflector::{Lookup, ObjectRef, Store},
};

use crate::{
    error::ControllerError,
    guard::Guarded,
    kinds::Child,
    random,
    secret::Password,
    status::{Reference, ReferenceKind, named_once},
    stores::Stores,
};

/// One agent and what surrounds it.
pub struct Fetched {
    pub template: Option<Arc<Guarded<AgentTemplate>>>,
    /// Generated each time and mostly discarded, so that the pure steps need no randomness.
    pub fresh_token: ShareToken,
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
        fresh_token: ShareToken::from_bytes(&random::bytes()?),
        fresh_password: Password::from_bytes(&random::bytes()?),
    })
}

/// Of what the agent needs and does not see the content of, that which does not exist: the rest is known from
/// [`Contents`](crate::contents::Contents). Of each object only the metadata is read, once, however often it is
/// named. A missing ServiceAccount shows in the Deployment's status.
pub async fn missing(
    client: &Client,
    identity: &AgentId,
    mut references: Vec<Reference>,
) -> Result<Vec<Reference>, ControllerError> {
    references.retain(|reference| !reference.optional && !reference.is_content());
    let mut named: Vec<_> = references.iter().map(key).collect();
    named.sort_unstable();
    named.dedup();
    let mut absent = BTreeSet::new();
    for (kind, name) in named {
        let is_found = match kind {
            ReferenceKind::ConfigMap => found::<ConfigMap>(client, identity, &name).await?,
            ReferenceKind::Secret => found::<Secret>(client, identity, &name).await?,
            ReferenceKind::ServiceAccount => true,
        };
        if !is_found {
            absent.insert((kind, name));
        }
    }
    references.retain(|reference| absent.contains(&key(reference)));
    Ok(named_once(references))
}

fn key(reference: &Reference) -> (ReferenceKind, String) {
    (reference.kind, reference.name.clone())
}

async fn found<K: Child>(
    client: &Client,
    identity: &AgentId,
    name: &str,
) -> Result<bool, ControllerError> {
    let api: Api<K> = Api::namespaced(client.clone(), &identity.namespace);
    let found = api.get_metadata_opt(name).await;
    Ok(found.map_err(ControllerError::request("get", K::kind(&()), name))?.is_some())
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
