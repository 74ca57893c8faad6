//! One watch of Agents feeds the index; sessions learn of changes to their agent
//! at once. An outage of the API server revokes nothing: it only makes the
//! links stale.

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use api_types::{Agent, ShareToken};
use tokio::{sync::watch, time::Instant};

use crate::index::{AgentRef, Change, ShareIndex, SharedAgent};

mod channels;
mod feed;

use channels::Channels;
pub use feed::follow;

/// All links, as last seen. A clone is the same links.
#[derive(Clone, Debug)]
pub struct Links {
    state: Arc<RwLock<State>>,
    /// Whether a whole listing was ever taken in.
    synced: Arc<watch::Sender<bool>>,
}

#[derive(Debug)]
struct State {
    index: ShareIndex,
    channels: Channels,
    watching: Watching,
}

/// How far the links can be trusted to be those of the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Watching {
    Works,
    BrokenSince(Instant),
}

impl Links {
    /// No links yet; give them to [`follow`].
    pub fn new() -> Self {
        Self::from_state(Watching::BrokenSince(Instant::now()), false)
    }

    /// Links of these agents, without a cluster: for tests.
    pub fn with(agents: impl IntoIterator<Item = Agent>) -> Self {
        let links = Self::from_state(Watching::Works, true);
        for agent in agents {
            links.apply(&agent);
        }
        links
    }

    fn from_state(watching: Watching, synced: bool) -> Self {
        let state = State { index: ShareIndex::default(), channels: Channels::default(), watching };
        Self { state: Arc::new(RwLock::new(state)), synced: Arc::new(watch::Sender::new(synced)) }
    }

    /// The agent that `token` opens. Costs no request.
    pub fn find(&self, token: &ShareToken) -> Option<SharedAgent> {
        self.read().index.find(token)
    }

    /// A channel whose number changes with every change of the agent's link, its
    /// end included. Subscribe first, then find and judge, then wait: a change in
    /// between is not missed.
    pub fn changes(&self, agent: &AgentRef) -> watch::Receiver<u64> {
        self.write().channels.subscribe(agent)
    }

    /// [`Links::find`] and [`Links::changes`] in one step, with no change in between.
    pub fn find_and_follow(
        &self,
        token: &ShareToken,
    ) -> Option<(SharedAgent, watch::Receiver<u64>)> {
        let mut state = self.write();
        let found = state.index.find(token)?;
        let changes = state.channels.subscribe(&found.agent);
        Some((found, changes))
    }

    /// Whether all Agents were listed once. Before that, "no such link" means nothing.
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Waits until [`Links::is_synced`].
    pub async fn synced(&self) {
        // The sender is ours, so the only way to end is the value.
        let _ = self.synced.subscribe().wait_for(|synced| *synced).await;
    }

    /// For how long there has been no working watch; `None` while there is one.
    pub fn stale_for(&self, now: Instant) -> Option<Duration> {
        match self.read().watching {
            Watching::Works => None,
            Watching::BrokenSince(since) => Some(now.saturating_duration_since(since)),
        }
    }

    /// How many links are turned on, for metrics.
    pub fn len(&self) -> usize {
        self.read().index.len()
    }

    /// Whether no link is turned on.
    pub fn is_empty(&self) -> bool {
        self.read().index.is_empty()
    }

    /// Takes in one Agent as it is now.
    pub fn apply(&self, agent: &Agent) {
        let mut state = self.write();
        if state.index.apply(agent) == Change::Changed {
            state.channels.bump(&AgentRef::of(agent));
        }
    }

    /// Closes the link of an agent that is gone, or cannot be read.
    pub fn remove(&self, agent: &AgentRef) {
        let mut state = self.write();
        if state.index.remove(agent) == Change::Changed {
            state.channels.bump(agent);
        }
    }

    /// Takes in a whole listing: an agent that is not in it is gone.
    fn replace(&self, all: ShareIndex) {
        let mut state = self.write();
        let changed = state.index.replace(all);
        for agent in &changed {
            state.channels.bump(agent);
        }
        state.watching = Watching::Works;
        drop(state);
        self.synced.send_replace(true);
    }

    /// Tells that the watch broke at `now`, unless it was broken before.
    fn broke(&self, now: Instant) {
        let mut state = self.write();
        if state.watching == Watching::Works {
            state.watching = Watching::BrokenSince(now);
        }
    }

    // A panic under the lock is a defect, but no reason to lock everybody out.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Links {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
