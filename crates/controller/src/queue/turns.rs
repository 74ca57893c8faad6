//! Whose turn it is: agents wait in the order in which they were named, and namespaces take turns, so that no
//! neighbour's thousands come before one's own. It must not run anything.
//!
//! The library's own queue picks any of those that wait: an agent may then wait for as long as others come.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures::{Stream, StreamExt, stream};

use crate::stores::{Trigger, Triggers};

/// A clone is the same.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

struct State {
    waiting: Waiting,
    /// Handed over and not ended: at most `limit`.
    running: HashSet<Trigger>,
    limit: usize,
    waker: Option<Waker>,
}

/// Namespaces and, of each, agents, in their order; none twice, and no namespace without an agent.
#[derive(Default)]
struct Waiting {
    namespaces: VecDeque<String>,
    agents: HashMap<String, VecDeque<Trigger>>,
    all: HashSet<Trigger>,
}

impl Turns {
    /// Hands over at most `limit` at the same time.
    pub(super) fn new(limit: u16) -> Self {
        Self(Arc::new(Mutex::new(State {
            waiting: Waiting::default(),
            running: HashSet::new(),
            limit: limit.into(),
            waker: None,
        })))
    }

    /// Reads all that `triggers` name at once, and hands it over in turn. One that is named again while it runs
    /// waits until it has ended.
    pub(super) fn of(
        &self,
        mut triggers: Triggers,
    ) -> impl Stream<Item = Result<Trigger, Infallible>> + use<> {
        let turns = self.clone();
        stream::poll_fn(move |context| {
            while let Poll::Ready(named) = triggers.poll_next_unpin(context) {
                let Some(Ok(agent)) = named else { return Poll::Ready(None) };
                turns.state().waiting.push(agent);
            }
            turns.poll_next(context).map(|agent| Some(Ok(agent)))
        })
    }

    /// The agent's reconcile has ended, or there was none.
    pub(super) fn ended(&self, agent: &Trigger) {
        let mut state = self.state();
        state.running.remove(agent);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }

    fn poll_next(&self, context: &Context<'_>) -> Poll<Trigger> {
        let mut state = self.state();
        let State { waiting, running, limit, .. } = &mut *state;
        if running.len() < *limit
            && let Some(agent) = waiting.pop(|agent| !running.contains(agent))
        {
            running.insert(agent.clone());
            return Poll::Ready(agent);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing in it panics between two changes that belong together.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, agent: Trigger) {
        if !self.all.insert(agent.clone()) {
            return;
        }
        let namespace = agent.namespace.clone().unwrap_or_default();
        let agents = self.agents.entry(namespace.clone()).or_default();
        if agents.is_empty() {
            self.namespaces.push_back(namespace);
        }
        agents.push_back(agent);
    }

    /// The first agent that may run, of the first namespace that has one.
    fn pop(&mut self, may_run: impl Fn(&Trigger) -> bool) -> Option<Trigger> {
        for place in 0..self.namespaces.len() {
            let namespace = self.namespaces.get(place)?;
            let agents = self.agents.get_mut(namespace)?;
            // No more than run are passed over.
            let Some(found) = agents.iter().position(&may_run) else { continue };
            let agent = agents.remove(found)?;
            let is_empty = agents.is_empty();
            let namespace = self.namespaces.remove(place)?;
            if is_empty {
                self.agents.remove(&namespace);
            } else {
                self.namespaces.push_back(namespace);
            }
            self.all.remove(&agent);
            return Some(agent);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, channel::mpsc};
    use kube::runtime::reflector::ObjectRef;

    use super::*;

    fn agent(path: &str) -> Trigger {
        let (namespace, name) = path.split_once('/').unwrap();
        ObjectRef::new(name).within(namespace)
    }

    /// A sender of triggers, and a function that takes what may begin now.
    fn queue(turns: &Turns) -> (mpsc::UnboundedSender<Trigger>, impl FnMut() -> Vec<String>) {
        let (named, triggers) = mpsc::unbounded();
        let mut in_turn = turns.of(triggers.map(Ok).boxed()).boxed();
        let begin = move || {
            let next = || in_turn.next().now_or_never().flatten();
            let begun = std::iter::from_fn(next).map(|Ok(agent)| agent);
            begun.map(|agent| format!("{}/{}", agent.namespace.unwrap(), agent.name)).collect()
        };
        (named, begin)
    }

    fn name(named: &mpsc::UnboundedSender<Trigger>, paths: &[&str]) {
        for path in paths {
            named.unbounded_send(agent(path)).unwrap();
        }
    }

    #[test]
    fn a_namespace_of_many_does_not_come_before_one_of_few() {
        let turns = Turns::new(2);
        let (named, mut begin) = queue(&turns);
        name(&named, &["many/1", "many/2", "many/3", "many/4", "few/1", "other/1"]);
        assert_eq!(begin(), ["many/1", "few/1"]);
        turns.ended(&agent("many/1"));
        assert_eq!(begin(), ["other/1"]);
        turns.ended(&agent("few/1"));
        turns.ended(&agent("other/1"));
        assert_eq!(begin(), ["many/2", "many/3"]);
    }

    #[test]
    fn one_that_is_named_again_keeps_its_place_and_does_not_run_twice_at_once() {
        let turns = Turns::new(3);
        let (named, mut begin) = queue(&turns);
        name(&named, &["a/1", "a/1", "a/2"]);
        assert_eq!(begin(), ["a/1", "a/2"]);
        name(&named, &["a/1", "a/3", "a/4", "a/3"]);
        assert_eq!(begin(), ["a/3"]);
        turns.ended(&agent("a/2"));
        assert_eq!(begin(), ["a/4"], "the one that runs keeps nobody waiting");
        turns.ended(&agent("a/1"));
        assert_eq!(begin(), ["a/1"]);
        for path in ["a/1", "a/3", "a/4"] {
            turns.ended(&agent(path));
        }
        assert!(begin().is_empty());
        let state = turns.state();
        let waiting = &state.waiting;
        assert!(waiting.agents.is_empty() && waiting.namespaces.is_empty());
        assert!(waiting.all.is_empty() && state.running.is_empty(), "nothing is kept");
    }

    #[tokio::test]
    async fn an_end_wakes_who_waits_for_a_turn_and_the_last_trigger_ends_it_all() {
        let turns = Turns::new(1);
        let (named, triggers) = mpsc::unbounded();
        let mut in_turn = turns.of(triggers.map(Ok).boxed()).boxed();
        name(&named, &["a/1", "a/2"]);
        assert_eq!(in_turn.next().await, Some(Ok(agent("a/1"))));
        // The first of them is polled first, and finds no turn.
        let (second, ()) = tokio::join!(in_turn.next(), async { turns.ended(&agent("a/1")) });
        assert_eq!(second, Some(Ok(agent("a/2"))));
        drop(named);
        assert_eq!(in_turn.next().await, None);
    }
}
