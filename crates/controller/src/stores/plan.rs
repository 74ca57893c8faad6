//! How each kind is watched: what of it is read, what is kept, and which agents a change concerns.

use api_types::{Agent, Namespaces};
use futures::{Stream, StreamExt, TryStreamExt, future::ready, stream};
use k8s_openapi::{NamespaceResourceScope, api::core::v1::Pod};
use kube::{
    Api, Client, Resource,
    core::{ObjectMeta, PartialObjectMeta},
    runtime::{
        WatchStreamExt,
        reflector::{Lookup, ObjectRef, Store, reflector, store, store::Writer},
        watcher::{self, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use super::{
    PodIndex, Trigger, Triggers, agent_of, agent_of_pod, pod,
    watches::{Watch, Watches},
};
use crate::{
    contents::Contents,
    guard::{Guarded, Unreadable, Watched},
    held::Held,
    kinds::Child,
    metrics::Metrics,
    status::ReferenceKind,
};

/// What all watches need.
pub(super) struct Plan {
    pub(super) client: Client,
    pub(super) namespaces: Namespaces,
    pub(super) metrics: Metrics,
    pub(super) agents: Store<Guarded<Agent>>,
}

impl Plan {
    /// All objects of a kind in the namespaces that are watched, those that cannot be read among them.
    pub(super) fn read<K: Watched>(&self, config: &watcher::Config) -> Watches<Guarded<K>> {
        let scopes = self.namespaces.scopes();
        Watches::of(scopes.map(|scope| (scope.map(str::to_owned), self.watch(scope, config))))
    }

    /// The objects of a kind that can be read.
    fn read_readable<K: Watched + Default>(&self, config: &watcher::Config) -> Watches<K> {
        self.read(config)
            .map(|events| events.filter_map(|event| ready(event.map(readable).transpose())).boxed())
    }

    fn watch<K>(&self, namespace: Option<&str>, config: &watcher::Config) -> Watch<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let api: Api<K> = match namespace {
            None => Api::all(self.client.clone()),
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
        };
        watcher(api, config.clone()).default_backoff().boxed()
    }

    /// Of all objects of a kind the metadata, of which nothing is kept: it tells which agents use
    /// one that has moved.
    pub(super) fn used<K>(&self, kind: ReferenceKind, contents: &Contents) -> Triggers
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + std::fmt::Debug
            + Send
            + Sync
            + 'static,
    {
        let (contents, agents, metrics) =
            (contents.clone(), self.agents.clone(), self.metrics.clone());
        let config = watcher::Config::default();
        let watch = |namespace| self.watch::<PartialObjectMeta<K>>(namespace, &config);
        stream::select_all(self.namespaces.scopes().map(watch))
            .map(move |event| match event {
                Ok(Event::InitDone) => all(&agents),
                Ok(event) => {
                    let users = contents.note(kind, &event).into_iter();
                    users
                        .map(|(namespace, name)| ObjectRef::new(&name).within(&namespace))
                        .collect()
                }
                Err(error) => {
                    tracing::warn!(kind = %K::kind(&()), %error, "a watch failed; retrying");
                    metrics.watch_failed(&K::kind(&()));
                    vec![]
                }
            })
            .flat_map(stream::iter)
            .map(Ok)
            .boxed()
    }

    /// The cache of pods, and which of them are an agent's.
    pub(super) fn pods(&self, config: &watcher::Config) -> (Store<Pod>, PodIndex, Triggers) {
        let (pods, writer) = store();
        let pods_of = PodIndex::default();
        let index = pods_of.clone();
        let watches = self.read_readable::<Pod>(config);
        let watches = watches.map(|events| events.map_ok(|event| event.modify(pod::strip)).boxed());
        let events = watches.for_store(&pods).inspect_ok(move |event| index.note(event));
        (pods, pods_of, self.open(writer, events, agent_of_pod))
    }

    /// A cache of objects that are made for agents.
    pub(super) fn cache<K: Child>(&self, config: &watcher::Config) -> (Store<Held<K>>, Triggers) {
        let (cache, writer) = store();
        let watches = self.read_readable::<K>(config).map(|events| events.map_ok(held).boxed());
        let events = watches.for_store(&cache);
        (cache, self.open(writer, events, agent_of))
    }

    /// `concerned` names the agents that a change of one object concerns.
    pub(super) fn open<K>(
        &self,
        writer: Writer<K>,
        events: impl Events<K>,
        concerned: impl Fn(&K, &Store<Guarded<Agent>>) -> Vec<Trigger> + Send + 'static,
    ) -> Triggers
    where
        K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
    {
        self.triggers(reflector(writer, events), concerned)
    }

    pub(super) fn triggers<K>(
        &self,
        events: impl Events<K>,
        concerned: impl Fn(&K, &Store<Guarded<Agent>>) -> Vec<Trigger> + Send + 'static,
    ) -> Triggers
    where
        K: Lookup<DynamicType = ()> + Send + 'static,
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
                        metrics.watch_failed(&K::kind(&()));
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
pub(super) trait Events<K>:
    Stream<Item = watcher::Result<Event<K>>> + Send + 'static
{
}

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

/// Of each object what is kept.
fn held<K: Child>(event: Event<K>) -> Event<Held<K>> {
    match event {
        Event::Init => Event::Init,
        Event::InitApply(object) => Event::InitApply(Held::of(&object)),
        Event::InitDone => Event::InitDone,
        Event::Apply(object) => Event::Apply(Held::of(&object)),
        Event::Delete(object) => Event::Delete(Held::of(&object)),
    }
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

fn all(agents: &Store<Guarded<Agent>>) -> Vec<Trigger> {
    agents.state().iter().map(|agent| ObjectRef::from_obj(&**agent)).collect()
}
