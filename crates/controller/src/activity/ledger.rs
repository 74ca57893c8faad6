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
mod tests {
    use time::{ext::NumericalDuration, macros::datetime};

    use super::*;

    const NOON: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

    fn demo(uid: &str) -> AgentId {
        AgentId { namespace: "team-a".into(), name: "demo".into(), uid: uid.into() }
    }

    fn broker(n: u8) -> SocketAddr {
        ([10, 0, 0, n], 50051).into()
    }

    /// Of brokers that serve.
    fn listed(brokers: &[u8]) -> BTreeMap<SocketAddr, Condition> {
        brokers.iter().map(|n| (broker(*n), Condition::Serving)).collect()
    }

    fn with(terminals: u32) -> HashMap<AgentId, u32> {
        [(demo("1"), terminals)].into()
    }

    fn activity(ledger: &Ledger) -> Activity {
        ledger.view(&demo("1"), NOON).activity
    }

    #[test]
    fn nothing_is_known_until_every_broker_has_told_it() {
        let mut ledger = Ledger::default();
        assert_eq!(activity(&ledger), Activity::Unknown, "no broker is known");
        ledger.list(&listed(&[1, 2]), NOON);
        ledger.snapshot(broker(1), HashMap::new(), NOON);
        assert_eq!(activity(&ledger), Activity::Unknown);
        assert!(ledger.take_pending().is_empty());
        ledger.snapshot(broker(2), HashMap::new(), NOON);
        assert_eq!(activity(&ledger), Activity::Closed(None));
        assert_eq!(ledger.take_pending(), Pending::All, "what waited for it is decided");

        ledger.lost(broker(1));
        assert_eq!(activity(&ledger), Activity::Unknown, "one is unreachable");
        let mut draining = listed(&[2]);
        draining.insert(broker(1), Condition::NotServing);
        ledger.list(&draining, NOON);
        assert_eq!(activity(&ledger), Activity::Closed(None), "it serves nobody any more");
        ledger.list(&listed(&[]), NOON);
        assert_eq!(activity(&ledger), Activity::Unknown, "no broker is left");
    }

    #[test]
    fn terminals_of_all_brokers_count_together() {
        let mut ledger = Ledger::default();
        ledger.list(&listed(&[1, 2]), NOON);
        ledger.snapshot(broker(1), with(2), NOON);
        assert_eq!(activity(&ledger), Activity::Open, "whatever the other one has");
        ledger.snapshot(broker(2), with(1), NOON);
        ledger.take_pending();

        ledger.change(broker(1), demo("1"), 0, NOON).unwrap();
        assert_eq!(activity(&ledger), Activity::Open);
        assert!(ledger.take_pending().is_empty(), "it is in use as before");
        ledger.list(&listed(&[1]), NOON + 5.seconds());
        assert_eq!(
            activity(&ledger),
            Activity::Closed(Some(NOON + 5.seconds())),
            "with its broker"
        );
        assert_eq!(ledger.take_pending(), Pending::Some([demo("1")].into()));
        assert_eq!(ledger.view(&demo("2"), NOON).activity, Activity::Closed(None), "another UID");

        ledger.change(broker(1), demo("1"), 1, NOON).unwrap();
        ledger.change(broker(1), demo("1"), 0, NOON + 9.seconds()).unwrap();
        assert_eq!(activity(&ledger), Activity::Closed(Some(NOON + 9.seconds())));
    }

    #[test]
    fn a_broker_that_is_heard_again_tells_what_was_closed_meanwhile() {
        let mut ledger = Ledger::default();
        ledger.list(&listed(&[1]), NOON);
        ledger.snapshot(broker(1), with(1), NOON);
        ledger.lost(broker(1));
        assert_eq!(activity(&ledger), Activity::Open, "as far as is known");
        ledger.snapshot(broker(1), HashMap::new(), NOON + 20.seconds());
        assert_eq!(activity(&ledger), Activity::Closed(Some(NOON + 20.seconds())));
    }

    #[test]
    fn a_request_to_wake_is_forgotten_after_a_minute() {
        let mut ledger = Ledger::default();
        ledger.wake(demo("1"), NOON);
        assert_eq!(ledger.take_pending(), Pending::Some([demo("1")].into()));
        let wake = |ledger: &Ledger, after| ledger.view(&demo("1"), NOON + after).wake;
        assert_eq!(wake(&ledger, 59.seconds()), Some(NOON));
        assert_eq!(wake(&ledger, 60.seconds()), None);
        ledger.wake(demo("2"), NOON + 61.seconds());
        assert_eq!(ledger.wakes.len(), 1);
    }

    #[test]
    fn a_broker_cannot_fill_the_memory() {
        let mut ledger = Ledger::default();
        ledger.list(&listed(&[1]), NOON);
        let agents = (0..AGENTS_MAX).map(|uid| (demo(&uid.to_string()), 1));
        ledger.snapshot(broker(1), agents.collect(), NOON);
        ledger.change(broker(1), demo("1"), 2, NOON).unwrap();
        ledger.change(broker(1), demo("one more"), 1, NOON).unwrap_err();
    }
}
