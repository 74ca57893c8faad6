//! The watches: one cache for each kind, and the agents that a change concerns. It
//! must not act on anything.
//!
//! Nothing here has a timer. A watch that had to list again may have missed a deletion, so after
//! each list every agent is reconciled, which costs no request where nothing changed.

mod index;
mod lean;

use std::{convert::Infallible, sync::Arc};

use api_types::{Agent, AgentTemplate, labels};
use futures::{
    Stream, StreamExt, TryStreamExt,
    future::ready,
    stream::{self, BoxStream},
};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod, Secret, Service},
};
use kube::{
    Api, Client, Resource, ResourceExt,
    core::ObjectMeta,
    runtime::{
        WatchStreamExt,
        reflector::{ObjectRef, Store, store, store::Writer},
        watcher::{self, Event, watcher},
    },
};

use tokio::sync::Notify;

use crate::{
    error::ControllerError,
    guard::{Guarded, Unreadable, Watched},
    metrics::Metrics,
};
pub(crate) use lean::Lean;

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
    pub deployments: Store<Deployment>,
    pub services: Store<Service>,
    pub config_maps: Store<ConfigMap>,
    pub claims: Store<PersistentVolumeClaim>,
    pub secrets: Store<Secret>,
    /// The Secrets of links, of the project's former implementation too: those have no other label.
    pub shares: Store<Secret>,
    pub pods: Store<Pod>,
    pub pods_of: PodIndex,
    /// Notified of each change of a template.
    pub templates_changed: Arc<Notify>,
}

impl Stores {
    /// Opens all watches. They move on only while the triggers are polled.
    pub fn watch(client: &Client, metrics: &Metrics) -> (Self, Triggers) {
        let (agents, writer) = store();
        let plan = Plan { client: client.clone(), metrics: metrics.clone(), agents };
        let everything = watcher::Config::default();
        let ours = watcher::Config::default().labels(&our_labels());
        let our_secrets = watcher::Config::default().labels(&format!(
            "{},!{}",
            our_labels(),
            labels::SHARE_TOKEN
        ));
        let of_links = watcher::Config::default().labels(labels::SHARE_TOKEN);

        let of_agents =
            plan.open(writer, plan.read(&everything), |agent, _| vec![ObjectRef::from_obj(agent)]);
        let (templates, writer) = store();
        let templates_changed = Arc::new(Notify::new());
        let changed = templates_changed.clone();
        let of_templates = plan.read(&everything).reflect(writer);
        let of_templates = of_templates.inspect(move |_| changed.notify_one());
        let of_templates = plan.triggers(of_templates, users_of);
        let (deployments, of_deployments) = plan.cache(&ours);
        let (services, of_services) = plan.cache(&ours);
        let (config_maps, of_config_maps) = plan.cache(&ours);
        let (claims, of_claims) = plan.cache(&ours);
        let (secrets, of_secrets) = plan.cache(&our_secrets);
        let (shares, of_shares) = plan.cache(&of_links);
        let (pods, writer) = store();
        let pods_of = PodIndex::default();
        let index = pods_of.clone();
        let of_pods = plan.read_readable(&ours).reflect(writer);
        let of_pods = of_pods.inspect_ok(move |event| index.note(event));
        let of_pods = plan.triggers(of_pods, agent_of);

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

/// What all watches need.
struct Plan {
    client: Client,
    metrics: Metrics,
    agents: Store<Guarded<Agent>>,
}

impl Plan {
    /// All objects of a kind, those that cannot be read among them.
    fn read<K: Watched>(&self, config: &watcher::Config) -> impl Events<Guarded<K>> + use<K> {
        watcher(Api::all(self.client.clone()), config.clone()).default_backoff()
    }

    /// The objects of a kind that can be read, and of each what is kept.
    fn read_readable<K: Watched + Lean + Default>(
        &self,
        config: &watcher::Config,
    ) -> impl Events<K> + use<K> {
        self.read(config)
            .filter_map(|event| ready(event.map(readable).transpose()))
            .map_ok(|event| event.modify(Lean::strip))
    }

    /// A cache of objects that are made for agents.
    fn cache<K>(&self, config: &watcher::Config) -> (Store<K>, Triggers)
    where
        K: Watched + Lean + Default,
    {
        let (cache, writer) = store();
        (cache, self.open(writer, self.read_readable(config), agent_of))
    }

    /// `concerned` names the agents that a change of one object concerns.
    fn open<K>(
        &self,
        writer: Writer<K>,
        events: impl Events<K>,
        concerned: impl Fn(&K, &Store<Guarded<Agent>>) -> Vec<Trigger> + Send + 'static,
    ) -> Triggers
    where
        K: Resource<DynamicType = ()> + Clone + Send + Sync + 'static,
    {
        self.triggers(events.reflect(writer), concerned)
    }

    fn triggers<K>(
        &self,
        events: impl Events<K>,
        concerned: impl Fn(&K, &Store<Guarded<Agent>>) -> Vec<Trigger> + Send + 'static,
    ) -> Triggers
    where
        K: Resource<DynamicType = ()> + Send + 'static,
    {
        let (agents, metrics) = (self.agents.clone(), self.metrics.clone());
        events
            .filter_map(move |event| {
                ready(match event {
                    Ok(Event::Apply(object) | Event::Delete(object)) => {
                        Some(concerned(&object, &agents))
                    }
                    Ok(Event::InitDone) => Some(all(&agents)),
                    Ok(Event::Init | Event::InitApply(_)) => None,
                    Err(error) => {
                        tracing::warn!(kind = %K::kind(&()), %error, "a watch failed; retrying");
                        metrics.failed("watch");
                        None
                    }
                })
            })
            .flat_map(stream::iter)
            .map(Ok)
            .boxed()
    }
}

/// What one watch tells.
trait Events<K>: Stream<Item = watcher::Result<Event<K>>> + Send + 'static {}

impl<K, S: Stream<Item = watcher::Result<Event<K>>> + Send + 'static> Events<K> for S {}

/// An object that cannot be read is none, as far as its agent goes.
fn readable<K: Watched + Default>(event: Event<Guarded<K>>) -> Option<Event<K>> {
    Some(match event {
        Event::Init => Event::Init,
        Event::InitApply(Guarded(object)) => {
            Event::InitApply(object.inspect_err(|unreadable| report::<K>(unreadable)).ok()?)
        }
        Event::InitDone => Event::InitDone,
        Event::Apply(Guarded(Ok(object))) => Event::Apply(object),
        Event::Apply(Guarded(Err(unreadable))) => {
            report::<K>(&unreadable);
            Event::Delete(absent(*unreadable))
        }
        Event::Delete(Guarded(object)) => {
            Event::Delete(object.unwrap_or_else(|unreadable| absent(*unreadable)))
        }
    })
}

/// Of what is wrong with it only the field is told: it may be a Secret.
fn report<K: Watched>(unreadable: &Unreadable) {
    let (kind, field) = (K::kind(&()), &unreadable.field);
    let ObjectMeta { namespace, name, .. } = &unreadable.metadata;
    let (namespace, name) = (namespace.as_deref(), name.as_deref());
    tracing::warn!(%kind, namespace, name, field, "cannot read this object: it counts as absent");
}

/// What is left of it: whose it was.
fn absent<K: Watched + Default>(unreadable: Unreadable) -> K {
    let mut object = K::default();
    *object.meta_mut() = unreadable.metadata;
    object
}

fn our_labels() -> String {
    format!("{}={},{}", labels::MANAGED_BY, labels::MANAGER, labels::AGENT)
}

fn all(agents: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    agents.state().iter().map(|agent| ObjectRef::from_obj(&**agent)).collect()
}

/// By the label, so that an object which lost its owner is noticed too; and by the owner, where it
/// has no label.
fn agent_of(object: &impl ResourceExt, _: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    let namespace = object.namespace().unwrap_or_default();
    let owners = object.owner_references().iter();
    let owner = owners.filter(|owner| owner.kind == Agent::kind(&())).map(|owner| &owner.name);
    let agent = object.labels().get(labels::AGENT).or_else(|| owner.clone().next());
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
