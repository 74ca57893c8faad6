//! The watches: one cache for each kind, and the agents that a change concerns. It
//! must not act on anything.
//!
//! Nothing here has a timer. A watch that had to list again may have missed a deletion, so after
//! each list every agent is reconciled, which costs no request where nothing changed.

mod index;
mod plan;
mod pod;
mod watches;

use std::{convert::Infallible, sync::Arc};

use api_types::{Agent, AgentTemplate, Namespaces, labels};
use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service},
};
use kube::{
    Client, Resource, ResourceExt,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store},
        watcher,
    },
};
use tokio::sync::Notify;

use crate::{
    contents::Contents, error::ControllerError, guard::Guarded, held::Held, kinds::Child,
    metrics::Metrics, status::ReferenceKind,
};
use plan::Plan;

pub use index::PodIndex;

/// An agent to reconcile.
pub type Trigger = ObjectRef<Guarded<Agent>>;
/// Never ends by itself, and never fails: a broken watch is opened again.
pub type Triggers = BoxStream<'static, Result<Trigger, Infallible>>;

/// The caches: all objects of our own kinds, and of the others those that carry our labels.
#[derive(Clone)]
pub struct Stores {
    pub agents: Store<Guarded<Agent>>,
    pub templates: Store<Guarded<AgentTemplate>>,
    pub deployments: Store<Held<Deployment>>,
    pub services: Store<Held<Service>>,
    pub config_maps: Store<Held<ConfigMap>>,
    pub claims: Store<Held<PersistentVolumeClaim>>,
    pub secrets: Store<Held<Secret>>,
    /// The Secrets of links, of the project's former implementation too: those have no other label.
    pub shares: Store<Held<Secret>>,
    pub pods: Store<Pod>,
    pub pods_of: PodIndex,
    /// Of what users own: digests of what agents use.
    pub contents: Contents,
    /// Notified of each change of a template.
    pub templates_changed: Arc<Notify>,
}

impl Stores {
    /// Opens all watches of `namespaces`. They move on only while the triggers are polled.
    pub fn watch(client: &Client, namespaces: &Namespaces, metrics: &Metrics) -> (Self, Triggers) {
        let (agents, writer) = store();
        let (client, namespaces) = (client.clone(), namespaces.clone());
        let plan = Plan { client, namespaces, metrics: metrics.clone(), agents };
        let everything = watcher::Config::default();
        let ours = watcher::Config::default().labels(&our_labels());
        let our_secrets = watcher::Config::default().labels(&format!(
            "{},!{}",
            our_labels(),
            labels::SHARE_TOKEN
        ));
        let of_links = watcher::Config::default().labels(labels::SHARE_TOKEN);

        let of_agents = plan.read(&everything).for_store(&plan.agents);
        let of_agents = plan.open(writer, of_agents, |agent, _| vec![ObjectRef::from_obj(agent)]);
        let (templates, writer) = store();
        let templates_changed = Arc::new(Notify::new());
        let changed = templates_changed.clone();
        let of_templates = plan.read(&everything).for_store(&templates).reflect(writer);
        let of_templates = of_templates.inspect(move |_| changed.notify_one());
        let of_templates = plan.triggers(of_templates, users_of);
        let (deployments, of_deployments) = plan.cache(&ours);
        let (services, of_services) = plan.cache(&ours);
        let (config_maps, of_config_maps) = plan.cache(&ours);
        let (claims, of_claims) = plan.cache(&ours);
        let (secrets, of_secrets) = plan.cache(&our_secrets);
        let (shares, of_shares) = plan.cache(&of_links);
        let (pods, pods_of, of_pods) = plan.pods(&ours);
        let contents = Contents::default();
        let of_users_maps = plan.used::<ConfigMap>(ReferenceKind::ConfigMap, &contents);
        let of_users_secrets = plan.used::<Secret>(ReferenceKind::Secret, &contents);

        let triggers = stream::select_all([
            of_agents,
            of_templates,
            of_deployments,
            of_services,
            of_config_maps,
            of_claims,
            of_secrets,
            of_shares,
            of_pods,
            of_users_maps,
            of_users_secrets,
        ]);
        let agents = plan.agents;
        let stores = Self {
            agents,
            templates,
            deployments,
            services,
            config_maps,
            claims,
            secrets,
            shares,
            pods,
            pods_of,
            contents,
            templates_changed,
        };
        (stores, triggers.boxed())
    }

    /// Waits until each cache has been filled once: before that, a missing object
    /// means nothing.
    pub async fn ready(&self) -> Result<(), ControllerError> {
        let all = tokio::try_join!(
            self.agents.wait_until_ready(),
            self.templates.wait_until_ready(),
            self.deployments.wait_until_ready(),
            self.services.wait_until_ready(),
            self.config_maps.wait_until_ready(),
            self.claims.wait_until_ready(),
            self.secrets.wait_until_ready(),
            self.shares.wait_until_ready(),
            self.pods.wait_until_ready(),
        );
        all.map(drop).map_err(|_| ControllerError::WatchesEnded)
    }
}

fn our_labels() -> String {
    format!("{}={},{}", labels::MANAGED_BY, labels::MANAGER, labels::AGENT)
}

/// By the label, so that an object which lost its owner is noticed too.
fn agent_of<K: Child>(object: &Held<K>, _: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    let agent = object.agent.iter();
    agent.map(|name| ObjectRef::new(name).within(&object.namespace)).collect()
}

fn agent_of_pod(pod: &Pod, _: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    let (namespace, agent) = (pod.namespace().unwrap_or_default(), pod.labels().get(labels::AGENT));
    agent.map(|name| ObjectRef::new(name).within(&namespace)).into_iter().collect()
}

fn users_of(template: &Guarded<AgentTemplate>, agents: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    let uses = |agent: &Agent| {
        let name = agent.spec.template_ref.as_ref().map(|reference| reference.name.as_str());
        agent.namespace() == template.namespace() && name == template.meta().name.as_deref()
    };
    let found = agents.state_filter(|agent| agent.0.as_ref().is_ok_and(uses));
    found.iter().map(|agent| ObjectRef::from_obj(&**agent)).collect()
}

#[cfg(test)]
mod tests;
