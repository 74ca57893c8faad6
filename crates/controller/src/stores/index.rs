//! Which pods an agent has, so that no reconcile goes through all pods. It must not keep the pods
//! themselves: those are in the cache.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use api_types::labels;
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt, runtime::watcher::Event};

/// Names of pods, by namespace and agent.
type Names = HashMap<(String, String), BTreeSet<String>>;

/// A clone is the same index.
#[derive(Clone, Default)]
pub struct PodIndex(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    known: Names,
    /// Of a list that has begun and not ended.
    listed: Names,
}

impl PodIndex {
    /// Takes over what a watch tells.
    pub fn note(&self, event: &Event<Pod>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Init => state.listed.clear(),
            Event::InitApply(pod) => add(&mut state.listed, pod),
            Event::InitDone => state.known = std::mem::take(&mut state.listed),
            Event::Apply(pod) => add(&mut state.known, pod),
            Event::Delete(pod) => remove(&mut state.known, pod),
        }
    }

    /// The names of the pods that carry the agent's label.
    pub fn of(&self, namespace: &str, agent: &str) -> Vec<String> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let names = state.known.get(&(namespace.to_owned(), agent.to_owned()));
        names.into_iter().flatten().cloned().collect()
    }
}

fn key(pod: &Pod) -> Option<(String, String)> {
    Some((pod.namespace()?, pod.labels().get(labels::AGENT)?.clone()))
}

fn add(names: &mut Names, pod: &Pod) {
    if let Some(key) = key(pod) {
        names.entry(key).or_default().insert(pod.name_any());
    }
}

fn remove(names: &mut Names, pod: &Pod) {
    let Some(key) = key(pod) else { return };
    if let Some(of_agent) = names.get_mut(&key) {
        of_agent.remove(&pod.name_any());
        if of_agent.is_empty() {
            names.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(namespace: &str, agent: &str, name: &str) -> Pod {
        let metadata = json!({
            "namespace": namespace, "name": name, "labels": { "kubeopencode.io/agent": agent },
        });
        serde_json::from_value(json!({ "metadata": metadata })).unwrap()
    }

    #[test]
    fn each_agent_has_its_own_pods_of_the_last_list_and_of_what_came_since() {
        let index = PodIndex::default();
        let list = |pods: Vec<Pod>| {
            index.note(&Event::Init);
            for pod in pods {
                index.note(&Event::InitApply(pod));
            }
            index.note(&Event::InitDone);
        };
        list(vec![pod("a", "demo", "demo-1"), pod("b", "demo", "demo-2"), pod("a", "x", "x-1")]);
        assert_eq!(index.of("a", "demo"), ["demo-1"]);
        index.note(&Event::Apply(pod("a", "demo", "demo-3")));
        index.note(&Event::Delete(pod("a", "demo", "demo-1")));
        assert_eq!(index.of("a", "demo"), ["demo-3"]);
        // A watch that had to list again missed that one is gone.
        list(vec![pod("b", "demo", "demo-2")]);
        assert_eq!((index.of("a", "demo"), index.of("b", "demo")), (vec![], vec!["demo-2".into()]));
        index.note(&Event::Delete(pod("b", "demo", "demo-2")));
        assert!(index.0.lock().unwrap().known.is_empty(), "nothing is kept of what is gone");
    }
}
