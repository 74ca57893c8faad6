//! The open terminals of all agents, by broker. Pure.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::SocketAddr,
};

use api_types::AgentId;
use time::{Duration, OffsetDateTime};

use super::{Hearing, View, endpoints::Condition};
use crate::standby::Activity;

/// How long a visitor's request may wait for the status to be known by which the agent sleeps.
const WAKE_AGE_MAX: Duration = Duration::minutes(1);
/// How long it is remembered when an agent's last terminal was closed: until that is in its status.
const CLOSED_AGE_MAX: Duration = Duration::minutes(10);
/// Agents of one broker, and requests to wake one, that are remembered.
pub(super) const AGENTS_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    hearing: Hearing,
    replicas: HashMap<SocketAddr, Replica>,
    closed: HashMap<AgentId, OffsetDateTime>,
    wakes: HashMap<AgentId, OffsetDateTime>,
    pending: Pending,
}

#[derive(Debug)]
struct Replica {
    condition: Condition,
    /// Whether the terminals are those that it has now.
    is_current: bool,
    terminals: HashMap<AgentId, u32>,
}

/// The agents of which something new is known.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pending {
    Some(HashSet<AgentId>),
    All,
}

impl Default for Pending {
    fn default() -> Self {
        Self::Some(HashSet::new())
    }
}

impl Pending {
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Some(agents) if agents.is_empty())
    }

    fn add(&mut self, agent: AgentId) {
        if let Self::Some(agents) = self {
            agents.insert(agent);
        }
    }
}

impl Ledger {
    pub(super) fn view(&self, agent: &AgentId, now: OffsetDateTime) -> View {
        let activity = if self.terminals(agent) > 0 {
            Activity::Open
        } else if self.is_complete() {
            Activity::Closed(self.closed.get(agent).copied())
        } else {
            Activity::Unknown
        };
        let wake = self.wakes.get(agent).copied().filter(|at| now - *at < WAKE_AGE_MAX);
        View { activity, wake, hearing: self.hearing }
    }

    pub(super) fn take_pending(&mut self) -> Pending {
        std::mem::take(&mut self.pending)
    }

    pub(super) fn hearing(&mut self, hearing: Hearing) {
        if self.hearing != hearing {
            self.hearing = hearing;
            self.pending = Pending::All;
        }
    }

    /// The replicas that there are. What one that is gone had open is closed.
    pub(super) fn list(&mut self, listed: &BTreeMap<SocketAddr, Condition>, now: OffsetDateTime) {
        let was_complete = self.is_complete();
        let gone: Vec<_> =
            self.replicas.keys().filter(|one| !listed.contains_key(one)).copied().collect();
        for address in gone {
            self.set(address, HashMap::new(), now);
            self.replicas.remove(&address);
        }
        for (address, condition) in listed {
            let new =
                Replica { condition: *condition, is_current: false, terminals: HashMap::new() };
            self.replicas.entry(*address).or_insert(new).condition = *condition;
        }
        self.completed(was_complete);
    }

    pub(super) fn snapshot(
        &mut self,
        address: SocketAddr,
        terminals: HashMap<AgentId, u32>,
        now: OffsetDateTime,
    ) {
        let was_complete = self.is_complete();
        self.set(address, terminals, now);
        if let Some(replica) = self.replicas.get_mut(&address) {
            replica.is_current = true;
        }
        self.completed(was_complete);
    }

    /// Fails where the broker has more agents than are remembered.
    pub(super) fn change(
        &mut self,
        address: SocketAddr,
        agent: AgentId,
        terminals: u32,
        now: OffsetDateTime,
    ) -> Result<(), TooMany> {
        let before = self.terminals(&agent);
        let Some(replica) = self.replicas.get_mut(&address) else { return Ok(()) };
        if terminals == 0 {
            replica.terminals.remove(&agent);
        } else {
            let is_full = replica.terminals.len() >= AGENTS_MAX;
            if is_full && !replica.terminals.contains_key(&agent) {
                return Err(TooMany);
            }
            replica.terminals.insert(agent.clone(), terminals);
        }
        self.counted(agent, before, now);
        Ok(())
    }

    /// The broker cannot be heard: what it has open is what it had, as far as is known.
    pub(super) fn lost(&mut self, address: SocketAddr) {
        if let Some(replica) = self.replicas.get_mut(&address) {
            replica.is_current = false;
        }
    }

    pub(super) fn wake(&mut self, agent: AgentId, now: OffsetDateTime) {
        self.wakes.retain(|_, at| now - *at < WAKE_AGE_MAX);
        if self.wakes.len() < AGENTS_MAX {
            self.wakes.insert(agent.clone(), now);
            self.pending.add(agent);
        }
    }

    fn set(&mut self, address: SocketAddr, new: HashMap<AgentId, u32>, now: OffsetDateTime) {
        let Some(replica) = self.replicas.get(&address) else { return };
        let agents: HashSet<AgentId> =
            replica.terminals.keys().chain(new.keys()).cloned().collect();
        let before: Vec<_> =
            agents.into_iter().map(|agent| (self.terminals(&agent), agent)).collect();
        if let Some(replica) = self.replicas.get_mut(&address) {
            replica.terminals = new;
            replica.terminals.retain(|_, terminals| *terminals > 0);
        }
        for (before, agent) in before {
            self.counted(agent, before, now);
        }
    }

    fn counted(&mut self, agent: AgentId, before: u64, now: OffsetDateTime) {
        let after = self.terminals(&agent);
        if (before > 0) == (after > 0) {
            return;
        }
        self.closed.retain(|_, at| now - *at < CLOSED_AGE_MAX);
        if after == 0 {
            self.closed.insert(agent.clone(), now);
        } else {
            self.closed.remove(&agent);
        }
        self.pending.add(agent);
    }

    fn terminals(&self, agent: &AgentId) -> u64 {
        let counts = self.replicas.values().filter_map(|replica| replica.terminals.get(agent));
        counts.map(|count| u64::from(*count)).sum()
    }

    /// Whether every broker that serves has told all that it has. Without any broker something is
    /// wrong: then nothing is put to sleep.
    fn is_complete(&self) -> bool {
        let mut serving =
            self.replicas.values().filter(|one| one.condition == Condition::Serving).peekable();
        serving.peek().is_some() && serving.all(|replica| replica.is_current)
    }

    fn completed(&mut self, was_complete: bool) {
        if !was_complete && self.is_complete() {
            self.pending = Pending::All;
        }
    }
}

/// A broker tells of more agents than any installation has.
#[derive(Debug, thiserror::Error)]
#[error("the broker tells of more than {AGENTS_MAX} agents")]
pub(super) struct TooMany;

#[cfg(test)]
mod tests;
