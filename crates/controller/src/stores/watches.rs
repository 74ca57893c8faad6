//! The watches of several namespaces, as one. A store takes a list for all that there is, and would forget the objects of
//! every other namespace whenever one is listed anew. So the first lists of all make one list, which is done once each
//! is; and what a later list of one namespace no longer has is deleted from it.

use std::{collections::HashSet, future::ready, iter, mem};

use futures::{
    StreamExt,
    stream::{self, BoxStream},
};
use kube::runtime::{
    reflector::{Lookup, Store},
    watcher::{self, Event},
};

/// What one watch tells, for ever.
pub(super) type Watch<K> = BoxStream<'static, watcher::Result<Event<K>>>;

type Events<K> = Box<dyn Iterator<Item = Event<K>> + Send>;

/// The watches of a kind: one of the whole cluster, or one of each namespace.
pub(super) struct Watches<K>(Vec<(Option<String>, Watch<K>)>);

impl<K> Watches<K> {
    pub(super) fn of(scopes: impl IntoIterator<Item = (Option<String>, Watch<K>)>) -> Self {
        Self(scopes.into_iter().collect())
    }

    /// The same watches, with `change` made to what each tells.
    pub(super) fn map<L>(self, change: impl Fn(Watch<K>) -> Watch<L>) -> Watches<L> {
        Watches(self.0.into_iter().map(|(scope, watch)| (scope, change(watch))).collect())
    }
}

impl<K> Watches<K>
where
    K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    /// What all of them tell, for `store`, which has to take in each event before it asks for the next.
    pub(super) fn for_store(mut self, store: &Store<K>) -> Watch<K> {
        if self.0.len() == 1
            && let Some((_, watch)) = self.0.pop()
        {
            return watch;
        }
        let (scopes, watches): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let mut lists = Lists { store: store.clone(), each: List::of(scopes), are_done: false };
        let watches = watches.into_iter().enumerate();
        let watches = watches.map(|(of, watch)| watch.map(move |told| (of, told)).boxed());
        let told = stream::select_all(watches).flat_map(move |(of, told)| match told {
            Ok(event) => stream::iter(lists.take_in(of, event)).map(Ok).boxed(),
            Err(error) => stream::once(ready(Err(error))).boxed(),
        });
        stream::once(ready(Ok(Event::Init))).chain(told).boxed()
    }
}

struct Lists<K: Lookup<DynamicType = ()> + 'static> {
    store: Store<K>,
    each: Vec<List>,
    /// Each was done once, and so the store has been filled.
    are_done: bool,
}

/// The last list of a namespace, as far as it has come.
struct List {
    namespace: Option<String>,
    /// Of its objects; nothing is kept of a list that is done and was compared.
    names: HashSet<String>,
    is_done: bool,
}

impl List {
    fn of(namespaces: Vec<Option<String>>) -> Vec<Self> {
        let begun = |namespace| Self { namespace, names: HashSet::new(), is_done: false };
        namespaces.into_iter().map(begun).collect()
    }

    /// Ends the list, and returns what `store` has of the namespace beyond it.
    fn surplus<K>(&mut self, store: &Store<K>) -> impl Iterator<Item = Event<K>> + use<K>
    where
        K: Lookup<DynamicType = ()> + Clone + 'static,
    {
        let (namespace, names) = (self.namespace.clone(), mem::take(&mut self.names));
        let of_it = move |object: &K| {
            object.namespace().as_deref() == namespace.as_deref() && !names.contains(&name(object))
        };
        let held = store.state().into_iter().filter(move |object| of_it(object));
        held.map(|object| Event::Delete(K::clone(&object)))
    }
}

impl<K> Lists<K>
where
    K: Lookup<DynamicType = ()> + Clone + Send + Sync + 'static,
{
    /// What the store is told for an event of one watch.
    fn take_in(&mut self, of: usize, event: Event<K>) -> Events<K> {
        let list = &mut self.each[of];
        match event {
            Event::Init => {
                list.names.clear();
                list.is_done = false;
                Box::new(iter::empty())
            }
            Event::InitApply(object) => {
                list.names.insert(name(&object));
                let done = self.are_done;
                one(if done { Event::Apply(object) } else { Event::InitApply(object) })
            }
            Event::InitDone => {
                list.is_done = true;
                self.list_done(of)
            }
            // Others are still being listed: it belongs to the one list that all make.
            Event::Apply(object) if !self.are_done => {
                list.names.insert(name(&object));
                one(Event::InitApply(object))
            }
            Event::Delete(object) if !self.are_done => {
                list.names.remove(&name(&object));
                Box::new(iter::empty())
            }
            change => one(change),
        }
    }

    fn list_done(&mut self, of: usize) -> Events<K> {
        if self.are_done {
            return Box::new(self.each[of].surplus(&self.store));
        }
        self.are_done = self.each.iter().all(|list| list.is_done);
        if !self.are_done {
            return Box::new(iter::empty());
        }
        // What a list told that broke off, or that was deleted before all were done, is looked for once the store has taken
        // in the end of the list.
        let (store, mut each) = (self.store.clone(), mem::take(&mut self.each));
        self.each = List::of(each.iter().map(|list| list.namespace.clone()).collect());
        let surplus = iter::once_with(move || {
            each.iter_mut().flat_map(|list| list.surplus(&store)).collect::<Vec<_>>()
        });
        Box::new(iter::once(Event::InitDone).chain(surplus.flatten()))
    }
}

fn one<K: Send + 'static>(event: Event<K>) -> Events<K> {
    Box::new(iter::once(event))
}

fn name<K: Lookup>(object: &K) -> String {
    object.name().unwrap_or_default().into_owned()
}

#[cfg(test)]
mod tests;
