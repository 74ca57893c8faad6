//! Who uses which agent, and who asks for one that sleeps, for the controllers that watch. It keeps
//! one number for each agent with a session, and for each watcher the agents of which it has not
//! read yet, never a queue: a watcher that reads slowly or not at all costs no more than that. It
//! knows no token, and wakes nobody itself.
//!
//! A session counts from the moment that its slot is claimed until the slot is free again: an agent
//! whose terminal is only opening is in use, and so is one whose screen may still be leaving.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use api_types::AgentId;
use tokio::sync::Notify;

use crate::metrics::BrokerMetrics;

/// Watches at a time: a few replicas of the controller, and those of them that reconnect.
const WATCHERS_MAX: usize = 16;
/// Agents of which one watcher may have to read. One that falls behind by more is cut off, and finds
/// all there is in the snapshot of its next watch.
const UNREAD_AGENTS_MAX: usize = 16 * 1024;
/// Calls that wait for an agent to wake, at a time.
pub(crate) const WAITING_MAX: usize = 128;
/// As many for one agent, so that one link's visitors do not keep others waiting.
const WAITING_FOR_ONE_MAX: usize = 8;

/// The activity of one broker. A clone is the same one.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    state: Arc<Mutex<State>>,
    metrics: BrokerMetrics,
}

#[derive(Debug, Default)]
struct State {
    /// Sessions of each agent that has any.
    terminals: BTreeMap<AgentId, u32>,
    /// Agents for which calls wait.
    wanted: BTreeMap<AgentId, Wanted>,
    /// By the number of their watch.
    watchers: BTreeMap<u64, Unread>,
    watches: u64,
}

#[derive(Debug, Default)]
struct Wanted {
    /// How many wait.
    calls: usize,
    /// One of them has seen it awake.
    woke: bool,
}

/// What one watcher has not read.
#[derive(Debug, Default)]
struct Unread {
    terminals: BTreeSet<AgentId>,
    wakes: BTreeSet<AgentId>,
    overrun: bool,
    news: Arc<Notify>,
}

/// What a watcher reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Every agent with a session, and how many it has.
    Snapshot(Vec<(AgentId, u32)>),
    Terminals(AgentId, u32),
    Wake(AgentId),
}

/// A watcher fell too far behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overrun;

/// Why nobody is asked to wake an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotAsked {
    NoController,
    TooManyCalls,
}

impl Activity {
    pub(crate) fn new(metrics: BrokerMetrics) -> Self {
        Self { state: Arc::default(), metrics }
    }

    /// Counts a session of `agent` until the result is dropped.
    pub(crate) fn session(&self, agent: &AgentId) -> CountedSession {
        self.state().count(agent, |sessions| sessions.saturating_add(1));
        CountedSession { activity: self.clone(), agent: agent.clone() }
    }

    /// Asks every controller that watches for `agent`, and those that come while the result lasts.
    pub(crate) fn ask(&self, agent: &AgentId) -> Result<Asking, NotAsked> {
        let mut state = self.state();
        if state.watchers.is_empty() {
            return Err(NotAsked::NoController);
        }
        let waiting: usize = state.wanted.values().map(|wanted| wanted.calls).sum();
        let for_it = state.wanted.get(agent).map_or(0, |wanted| wanted.calls);
        if waiting >= WAITING_MAX || for_it >= WAITING_FOR_ONE_MAX {
            return Err(NotAsked::TooManyCalls);
        }
        state.wanted.entry(agent.clone()).or_default().calls += 1;
        for unread in state.watchers.values_mut() {
            unread.wakes.insert(agent.clone());
            unread.tell();
        }
        Ok(Asking { activity: self.clone(), agent: agent.clone() })
    }

    /// Begins a watch. `None` where there are too many.
    pub(crate) fn watch(&self) -> Option<Watcher> {
        let mut state = self.state();
        if state.watchers.len() >= WATCHERS_MAX {
            return None;
        }
        state.watches += 1;
        let number = state.watches;
        let snapshot = state.terminals.iter().map(|(agent, count)| (agent.clone(), *count));
        let snapshot = Some(snapshot.collect());
        let wakes = state.wanted.keys().cloned().collect();
        let news = Arc::<Notify>::default();
        let unread = Unread { wakes, news: Arc::clone(&news), ..Unread::default() };
        state.watchers.insert(number, unread);
        self.metrics.controllers_watching(state.watchers.len());
        Some(Watcher { activity: self.clone(), number, news, snapshot })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change is left half done by a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn count(&mut self, agent: &AgentId, change: impl FnOnce(u32) -> u32) {
        let sessions = change(self.terminals.remove(agent).unwrap_or(0));
        if sessions > 0 {
            self.terminals.insert(agent.clone(), sessions);
        }
        for unread in self.watchers.values_mut() {
            unread.terminals.insert(agent.clone());
            unread.tell();
        }
    }

    /// The next thing that a watcher has not read. Who asks for an agent waits, so that comes first.
    fn next(&mut self, watcher: u64) -> Result<Option<Event>, Overrun> {
        let Some(unread) = self.watchers.get_mut(&watcher) else { return Err(Overrun) };
        if unread.overrun {
            return Err(Overrun);
        }
        if let Some(agent) = unread.wakes.pop_first() {
            return Ok(Some(Event::Wake(agent)));
        }
        let Some(agent) = unread.terminals.pop_first() else { return Ok(None) };
        let sessions = self.terminals.get(&agent).copied().unwrap_or(0);
        Ok(Some(Event::Terminals(agent, sessions)))
    }
}

impl Unread {
    fn tell(&mut self) {
        if self.terminals.len() + self.wakes.len() > UNREAD_AGENTS_MAX {
            self.overrun = true;
        }
        if self.overrun {
            self.terminals.clear();
            self.wakes.clear();
        }
        self.news.notify_one();
    }
}

/// One session among its agent's.
#[derive(Debug)]
pub(crate) struct CountedSession {
    activity: Activity,
    agent: AgentId,
}

impl Drop for CountedSession {
    fn drop(&mut self) {
        self.activity.state().count(&self.agent, |sessions| sessions.saturating_sub(1));
    }
}

/// One call that waits for an agent to wake.
#[derive(Debug)]
pub(crate) struct Asking {
    activity: Activity,
    agent: AgentId,
}

/// Of several calls that waited for one agent, the first to see it awake reports that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    First,
    Again,
}

impl Asking {
    /// Takes note that the agent is awake.
    pub(crate) fn woke(&self) -> Seen {
        let mut state = self.activity.state();
        let wanted = state.wanted.get_mut(&self.agent);
        match wanted.map(|wanted| std::mem::replace(&mut wanted.woke, true)) {
            Some(false) => Seen::First,
            Some(true) | None => Seen::Again,
        }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        if let Some(wanted) = state.wanted.get_mut(&self.agent) {
            wanted.calls -= 1;
            if wanted.calls == 0 {
                state.wanted.remove(&self.agent);
            }
        }
    }
}

/// One controller's watch, until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    activity: Activity,
    number: u64,
    news: Arc<Notify>,
    snapshot: Option<Vec<(AgentId, u32)>>,
}

impl Watcher {
    /// Waits for the next thing to read; the first one is the snapshot. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Event, Overrun> {
        if let Some(snapshot) = self.snapshot.take() {
            return Ok(Event::Snapshot(snapshot));
        }
        loop {
            let next = self.activity.state().next(self.number)?;
            match next {
                Some(event) => return Ok(event),
                // News that came since wakes at once.
                None => self.news.notified().await,
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.watchers.remove(&self.number);
        self.activity.metrics.controllers_watching(state.watchers.len());
    }
}

#[cfg(test)]
mod tests;
