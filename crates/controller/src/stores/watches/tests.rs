use std::collections::BTreeSet;

use futures::{FutureExt, channel::mpsc};
use k8s_openapi::api::core::v1::Service;
use kube::runtime::reflector::{reflector, store};
use serde_json::json;

use super::*;

type Told = watcher::Result<Event<Service>>;

/// Two namespaces, and the store that their watches fill.
struct Two {
    a: mpsc::UnboundedSender<Told>,
    b: mpsc::UnboundedSender<Told>,
    store: Store<Service>,
    events: Watch<Service>,
}

impl Two {
    fn new() -> Self {
        let ((a, of_a), (b, of_b)) = (mpsc::unbounded(), mpsc::unbounded());
        let (store, writer) = store();
        let scopes = [("a", of_a.boxed()), ("b", of_b.boxed())];
        let watches = Watches::of(scopes.map(|(name, watch)| (Some(name.to_owned()), watch)));
        let events = reflector(writer, watches.for_store(&store)).boxed();
        Self { a, b, store, events }
    }

    /// What comes of all that was sent, as words.
    fn told(&mut self) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(Some(event)) = self.events.next().now_or_never() {
            told.push(match event {
                Ok(Event::Init) => "init".to_owned(),
                Ok(Event::InitApply(object)) => format!("listed {}", word(&object)),
                Ok(Event::InitDone) => "done".to_owned(),
                Ok(Event::Apply(object)) => format!("applied {}", word(&object)),
                Ok(Event::Delete(object)) => format!("deleted {}", word(&object)),
                Err(_) => "failed".to_owned(),
            });
        }
        told
    }

    fn held(&self) -> BTreeSet<String> {
        self.store.state().iter().map(|object| word(object)).collect()
    }

    fn is_ready(&self) -> bool {
        self.store.wait_until_ready().now_or_never().is_some()
    }

    /// With `a/one`, `a/two` and `b/one`.
    fn filled() -> Self {
        let mut two = Self::new();
        send(&two.a, list("a", &["one", "two"]));
        send(&two.b, list("b", &["one"]));
        two.told();
        assert_eq!(two.held(), names(&["a/one", "a/two", "b/one"]));
        two
    }
}

fn word(object: &Service) -> String {
    let metadata = &object.metadata;
    [metadata.namespace.as_deref(), metadata.name.as_deref()].map(Option::unwrap).join("/")
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(ToString::to_string).collect()
}

fn object(namespace: &str, name: &str) -> Service {
    let metadata = json!({ "namespace": namespace, "name": name });
    serde_json::from_value(json!({ "metadata": metadata })).unwrap()
}

fn send(watch: &mpsc::UnboundedSender<Told>, events: impl IntoIterator<Item = Event<Service>>) {
    for event in events {
        watch.unbounded_send(Ok(event)).unwrap();
    }
}

fn begun(namespace: &str, names: &[&str]) -> Vec<Event<Service>> {
    let listed = names.iter().map(|name| Event::InitApply(object(namespace, name)));
    iter::once(Event::Init).chain(listed).collect()
}

fn list(namespace: &str, names: &[&str]) -> Vec<Event<Service>> {
    [begun(namespace, names), vec![Event::InitDone]].concat()
}

fn broken() -> Told {
    Err(watcher::Error::NoResourceVersion)
}

#[test]
fn the_first_lists_are_one_that_is_done_once_each_is() {
    let mut two = Two::new();
    send(&two.a, list("a", &["one"]));
    assert_eq!(two.told(), ["init", "listed a/one"]);
    // A change before the other namespace is listed.
    send(&two.a, [Event::Apply(object("a", "two")), Event::Delete(object("a", "one"))]);
    assert_eq!(two.told(), ["listed a/two"]);
    assert!(!two.is_ready(), "what b has is not known");

    send(&two.b, list("b", &["one"]));
    assert_eq!(two.told(), ["listed b/one", "done", "deleted a/one"]);
    assert!(two.is_ready());
    assert_eq!(two.held(), names(&["a/two", "b/one"]));
}

#[test]
fn a_list_that_broke_off_leaves_nothing() {
    let mut two = Two::new();
    send(&two.a, begun("a", &["one", "two"]));
    two.a.unbounded_send(broken()).unwrap();
    send(&two.b, list("b", &[]));
    assert!(two.told().contains(&"failed".to_owned()));
    assert!(!two.is_ready());
    send(&two.a, list("a", &["two", "three"]));
    assert_eq!(two.told(), ["listed a/two", "listed a/three", "done", "deleted a/one"]);
    assert_eq!(two.held(), names(&["a/two", "a/three"]));
}

/// A reflector that was told of two watches would replace all that it has.
#[test]
fn a_list_anew_of_one_namespace_is_about_its_own_objects_only() {
    let mut two = Two::filled();
    two.a.unbounded_send(broken()).unwrap();
    send(&two.a, begun("a", &["two"]));
    send(&two.b, [Event::Apply(object("b", "two"))]);
    assert_eq!(two.told().len(), 3);
    assert_eq!(two.held(), names(&["a/one", "a/two", "b/one", "b/two"]), "a is not done");

    send(&two.a, [Event::InitApply(object("a", "three")), Event::InitDone]);
    assert_eq!(two.told(), ["applied a/three", "deleted a/one"]);
    assert_eq!(two.held(), names(&["a/two", "a/three", "b/one", "b/two"]));

    send(&two.b, list("b", &[]));
    two.told();
    assert_eq!(two.held(), names(&["a/two", "a/three"]));
}

#[test]
fn a_later_list_that_broke_off_deletes_nothing() {
    let mut two = Two::filled();
    send(&two.a, begun("a", &[]));
    two.a.unbounded_send(broken()).unwrap();
    assert_eq!(two.told(), ["failed"]);
    assert_eq!(two.held(), names(&["a/one", "a/two", "b/one"]));
}

#[test]
fn changes_are_passed_on_as_they_are() {
    let mut two = Two::filled();
    send(&two.a, [Event::Delete(object("a", "one")), Event::Apply(object("a", "two"))]);
    assert_eq!(two.told(), ["deleted a/one", "applied a/two"]);
    assert_eq!(two.held(), names(&["a/two", "b/one"]));
}

/// As the watch of a whole cluster always was: its lists replace all.
#[test]
fn one_watch_is_left_as_it_is() {
    let (send_to, watch) = mpsc::unbounded();
    let (store, _writer) = store();
    let mut one = Watches::of([(None, watch.boxed())]).for_store(&store);
    for _ in 0..2 {
        send(&send_to, list("a", &["one"]));
    }
    let mut seen = 0;
    while let Some(Some(event)) = one.next().now_or_never() {
        seen += usize::from(matches!(event, Ok(Event::Init | Event::InitDone)));
    }
    assert_eq!(seen, 4);
}
