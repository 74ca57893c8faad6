//! Everything that a reconcile needs to know, gathered before anything is decided.

use std::{collections::BTreeSet, sync::Arc};

use api_types::{Agent, AgentId, AgentTemplate, ShareToken, labels, names};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, Secret},
};
use kube::{
    Api, Client,
    runtime::reflector::{Lookup, ObjectRef, Store},
};

use crate::{
    error::ControllerError,
    guard::Guarded,
    observe::{Observed, is_owned, observe},
    random,
    resolve::Credential,
    secret::Password,
    stores::Stores,
};

/// One agent and what surrounds it.
pub struct Fetched {
    pub template: Option<Arc<Guarded<AgentTemplate>>>,
    pub server_secret: Observed<Secret>,
    pub share_secret: Observed<Secret>,
    /// Generated each time and mostly discarded, so that the pure steps need no randomness.
    pub fresh_token: ShareToken,
    pub fresh_password: Password,
}

/// Reads the caches; of the cluster only what is not in them.
pub async fn fetch(
    client: &Client,
    stores: &Stores,
    agent: &Agent,
    identity: &AgentId,
) -> Result<Fetched, ControllerError> {
    let template = agent.spec.template_ref.as_ref();
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &identity.namespace);
    let secret = async |name: String| {
        observe(&secrets, &stores.secrets, &identity.namespace, &name, &identity.uid).await
    };
    // While sharing is off and the status knows of no link, there is nothing to find.
    let is_shared = agent.spec.is_shared();
    let was_shared = agent.status.as_ref().is_some_and(|status| status.share.is_some());
    Ok(Fetched {
        template: template
            .and_then(|template| in_namespace(&stores.templates, &template.name, identity)),
        server_secret: secret(names::server_secret(&identity.name)).await?,
        share_secret: if is_shared || was_shared {
            secret(names::share_secret(&identity.name)).await?
        } else {
            Observed::Absent
        },
        fresh_token: ShareToken::from_bytes(&random::bytes()?),
        fresh_password: Password::from_bytes(&random::bytes()?),
    })
}

/// The first Secret of the user's, by name, that does not exist. Of each only the metadata is
/// read, once, however many keys of it are used.
pub async fn missing_secret(
    client: &Client,
    identity: &AgentId,
    credentials: &[Credential],
) -> Result<Option<String>, ControllerError> {
    let secrets: Api<Secret> = Api::namespaced(client.clone(), &identity.namespace);
    let names: BTreeSet<_> = credentials.iter().map(|credential| &credential.secret).collect();
    for secret in names {
        let found = secrets.get_metadata_opt(secret).await;
        let found = found.map_err(ControllerError::request("get", "Secret", secret))?;
        if found.is_none() {
            return Ok(Some(secret.clone()));
        }
    }
    Ok(None)
}

/// The agent's Deployment, from the cache.
pub fn deployment(stores: &Stores, identity: &AgentId) -> Option<Arc<Deployment>> {
    let name = names::deployment(&identity.name);
    in_namespace(&stores.deployments, &name, identity)
        .filter(|deployment| is_owned(&**deployment, &identity.uid))
}

/// The pods of the agent's Deployment: those with its labels that a `ReplicaSet` made.
pub fn pods(stores: &Stores, identity: &AgentId) -> Vec<Arc<Pod>> {
    let prefix = format!("{}-", names::deployment(&identity.name));
    stores.pods.state_filter(|pod| {
        let metadata = &pod.metadata;
        let label = metadata.labels.as_ref().and_then(|labels| labels.get(labels::AGENT));
        metadata.namespace.as_ref() == Some(&identity.namespace)
            && label == Some(&identity.name)
            && metadata
                .owner_references
                .iter()
                .flatten()
                .any(|owner| owner.kind == "ReplicaSet" && owner.name.starts_with(&prefix))
    })
}

fn in_namespace<K>(cache: &Store<K>, name: &str, identity: &AgentId) -> Option<Arc<K>>
where
    K: Lookup<DynamicType = ()> + Clone + 'static,
{
    cache.get(&ObjectRef::new(name).within(&identity.namespace))
}
