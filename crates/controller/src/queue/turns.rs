//! Whose turn it is: agents wait in the order in which they were named; namespaces take turns, so that no
//! neighbour's thousands come before one's own, and so do, within each, agents that were reconciled before and new
//! ones, so that thousands of new ones do not come before an edit. It must not run anything.
//!
//! The library's own queue picks any of those that wait: an agent may then wait for as long as others come.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use futures::{Stream, StreamExt, stream};

use crate::{
    metrics::Metrics,
    stores::{Trigger, Triggers},
};

/// A clone is the same.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

struct State {
    waiting: Waiting,
    /// Handed over and not ended: at most `limit`.
    running: HashSet<Trigger>,
    /// Those whose reconcile has ended once.
    known: HashSet<Trigger>,
    limit: usize,
    waker: Option<Waker>,
    metrics: Metrics,
}

/// Namespaces and, of each, agents, in their order; none twice, and no namespace without an agent.
#[derive(Default)]
struct Waiting {
    namespaces: VecDeque<String>,
    agents: HashMap<String, Neighbours>,
    all: HashSet<Trigger>,
}

/// The agents of one namespace.
#[derive(Default)]
struct Neighbours {
    known: VecDeque<Trigger>,
    new: VecDeque<Trigger>,
    /// The last that was taken was a known one.
    known_had_turn: bool,
}

impl Turns {
    /// Hands over at most `limit` at the same time.
    pub(super) fn new(limit: u16, metrics: Metrics) -> Self {
        Self(Arc::new(Mutex::new(State {
            waiting: Waiting::default(),
            running: HashSet::new(),
            known: HashSet::new(),
            limit: limit.into(),
            waker: None,
            metrics,
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
                let mut state = turns.state();
                let is_known = state.known.contains(&agent);
                state.waiting.push(agent, is_known);
            }
            let next = turns.poll_next(context).map(|agent| Some(Ok(agent)));
            turns.state().count();
            next
        })
    }

    /// The agent's reconcile has ended.
    pub(super) fn ended(&self, agent: Trigger) {
        let mut state = self.state();
        state.running.remove(&agent);
        state.known.insert(agent);
        state.wake();
    }

    /// There is no such agent any more.
    pub(super) fn gone(&self, agent: &Trigger) {
        let mut state = self.state();
        state.running.remove(agent);
        state.known.remove(agent);
        state.wake();
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

impl State {
    fn count(&self) {
        self.metrics.queue(self.waiting.all.len(), self.running.len());
    }

    fn wake(&mut self) {
        self.count();
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

impl Waiting {
    fn push(&mut self, agent: Trigger, is_known: bool) {
        if !self.all.insert(agent.clone()) {
            return;
        }
        let namespace = agent.namespace.clone().unwrap_or_default();
        let agents = self.agents.entry(namespace.clone()).or_default();
        if agents.is_empty() {
            self.namespaces.push_back(namespace);
        }
        if is_known { &mut agents.known } else { &mut agents.new }.push_back(agent);
    }

    /// The first agent that may run, of the first namespace that has one.
    fn pop(&mut self, may_run: impl Fn(&Trigger) -> bool) -> Option<Trigger> {
        for place in 0..self.namespaces.len() {
            let namespace = self.namespaces.get(place)?;
            let agents = self.agents.get_mut(namespace)?;
            let Some(agent) = agents.pop(&may_run) else { continue };
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

impl Neighbours {
    fn is_empty(&self) -> bool {
        self.known.is_empty() && self.new.is_empty()
    }

    /// The first agent that may run.
    fn pop(&mut self, may_run: impl Fn(&Trigger) -> bool) -> Option<Trigger> {
        // No more than run are passed over.
        let take = |agents: &mut VecDeque<Trigger>| {
            agents.iter().position(&may_run).and_then(|found| agents.remove(found))
        };
        let (first, second) = if self.known_had_turn {
            (&mut self.new, &mut self.known)
        } else {
            (&mut self.known, &mut self.new)
        };
        if let Some(agent) = take(first) {
            self.known_had_turn = !self.known_had_turn;
            return Some(agent);
        }
        take(second)
    }
}

#[cfg(test)]
mod tests {
    use futures::{FutureExt, channel::mpsc};
    use kube::runtime::reflector::ObjectRef;

    use super::*;

    fn turns(limit: u16) -> Turns {
        Turns::new(limit, Metrics::default())
    }

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
        let turns = turns(2);
        let (named, mut begin) = queue(&turns);
        name(&named, &["many/1", "many/2", "many/3", "many/4", "few/1", "other/1"]);
        assert_eq!(begin(), ["many/1", "few/1"]);
        turns.ended(agent("many/1"));
        assert_eq!(begin(), ["other/1"]);
        turns.ended(agent("few/1"));
        turns.ended(agent("other/1"));
        assert_eq!(begin(), ["many/2", "many/3"]);
    }

    #[test]
    fn one_that_is_named_again_keeps_its_place_and_does_not_run_twice_at_once() {
        let turns = turns(3);
        let (named, mut begin) = queue(&turns);
        name(&named, &["a/1", "a/1", "a/2"]);
        assert_eq!(begin(), ["a/1", "a/2"]);
        name(&named, &["a/1", "a/3", "a/4", "a/3"]);
        assert_eq!(begin(), ["a/3"]);
        turns.ended(agent("a/2"));
        assert_eq!(begin(), ["a/4"], "the one that runs keeps nobody waiting");
        turns.ended(agent("a/1"));
        assert_eq!(begin(), ["a/1"]);
        for path in ["a/1", "a/3", "a/4"] {
            turns.ended(agent(path));
        }
        assert!(begin().is_empty());
        let state = turns.state();
        let waiting = &state.waiting;
        assert!(waiting.agents.is_empty() && waiting.namespaces.is_empty());
        assert!(waiting.all.is_empty() && state.running.is_empty(), "nothing is kept");
    }

    #[test]
    fn an_agent_that_was_reconciled_before_does_not_wait_for_thousands_of_new_ones() {
        let turns = turns(1);
        let (named, mut begin) = queue(&turns);
        name(&named, &["a/edited", "a/twin"]);
        for path in ["a/edited", "a/twin"] {
            assert_eq!(begin(), [path]);
            turns.ended(agent(path));
        }
        name(&named, &["a/1", "a/2", "a/3", "a/edited", "a/twin"]);
        for path in ["a/edited", "a/1", "a/twin", "a/2", "a/3"] {
            assert_eq!(begin(), [path]);
            turns.ended(agent(path));
        }
        turns.gone(&agent("a/edited"));
        name(&named, &["a/4", "a/edited"]);
        assert_eq!(begin(), ["a/4"], "another one of its name is new");
    }

    #[tokio::test]
    async fn an_end_wakes_who_waits_for_a_turn_and_the_last_trigger_ends_it_all() {
        let turns = turns(1);
        let (named, triggers) = mpsc::unbounded();
        let mut in_turn = turns.of(triggers.map(Ok).boxed()).boxed();
        name(&named, &["a/1", "a/2"]);
        assert_eq!(in_turn.next().await, Some(Ok(agent("a/1"))));
        // The first of them is polled first, and finds no turn.
        let (second, ()) = tokio::join!(in_turn.next(), async { turns.ended(agent("a/1")) });
        assert_eq!(second, Some(Ok(agent("a/2"))));
        drop(named);
        assert_eq!(in_turn.next().await, None);
    }
}
