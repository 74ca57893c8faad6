//! What happens often to an agent, told seldom: the first of a kind are told at once, each by itself, what follows
//! within a minute is counted, and the count is told when the minute ends. Pure.

use std::{collections::HashMap, time::Duration};

use api_types::AgentId;
use tokio::time::Instant;

use super::writer::Entry;

/// The least time between two reports on one agent.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_mins(1);
/// Agents that are counted apart, for each kind of happening.
pub(super) const AGENTS_MAX: usize = 1024;

/// Something that happens to an agent.
pub(super) trait Happening {
    /// So many are told each by itself, before the rest of their minute is told as one.
    const AT_ONCE: u32;
    /// Whether each is told by itself where the agents are too many to count; else it is only logged and measured.
    const IS_TOLD_UNCOUNTED: bool;

    /// What both were, of which `newer` was the later.
    #[must_use]
    fn and(self, newer: Self) -> Self;

    /// What is told of `count` of them.
    fn entry(&self, count: u64, agent: AgentId) -> Entry;
}

#[derive(Debug)]
pub(super) struct Tally<T>(HashMap<AgentId, Minute<T>>);

/// What happened to one agent since it was last told.
#[derive(Debug)]
struct Minute<T> {
    ends: Instant,
    at_once: u32,
    count: u64,
    untold: Option<T>,
}

impl<T> Default for Tally<T> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T: Happening> Tally<T> {
    /// Counts one. Returns what to tell of it at once, if few were before it for a while.
    pub(super) fn count(&mut self, agent: &AgentId, one: T, now: Instant) -> Option<Entry> {
        if !self.0.contains_key(agent) && self.0.len() >= AGENTS_MAX {
            return T::IS_TOLD_UNCOUNTED.then(|| one.entry(1, agent.clone()));
        }
        let minute = self.0.entry(agent.clone()).or_insert_with(|| Minute::new(T::AT_ONCE, now));
        if minute.at_once > 0 {
            minute.at_once -= 1;
            return Some(one.entry(1, agent.clone()));
        }
        minute.count += 1;
        minute.untold = Some(match minute.untold.take() {
            Some(untold) => untold.and(one),
            None => one,
        });
        None
    }

    /// What to tell of the minutes that have ended. An agent whose minute was quiet is forgotten.
    pub(super) fn due(&mut self, now: Instant) -> Vec<Entry> {
        let mut reports = Vec::new();
        self.0.retain(|agent, minute| {
            if minute.ends > now {
                return true;
            }
            let Some(untold) = minute.untold.take() else { return false };
            reports.push(untold.entry(minute.count, agent.clone()));
            *minute = Minute::new(0, now);
            true
        });
        reports
    }

    /// Everything that is still untold, for a process that ends.
    pub(super) fn rest(&mut self) -> Vec<Entry> {
        let told =
            |(agent, minute): (AgentId, Minute<T>)| Some(minute.untold?.entry(minute.count, agent));
        self.0.drain().filter_map(told).collect()
    }

    /// When the next minute ends.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|minute| minute.ends).min()
    }
}

impl<T> Minute<T> {
    fn new(at_once: u32, now: Instant) -> Self {
        Self { ends: now + REPORT_INTERVAL, at_once, count: 0, untold: None }
    }
}

#[cfg(test)]
mod tests {
    use kube::runtime::events::EventType;

    use super::*;

    /// Two are told at once, and it is known how many of them there were.
    #[derive(Debug)]
    struct Knock(u64);

    impl Happening for Knock {
        const AT_ONCE: u32 = 2;
        const IS_TOLD_UNCOUNTED: bool = false;

        fn and(self, newer: Self) -> Self {
            Self(self.0 + newer.0)
        }

        fn entry(&self, count: u64, agent: AgentId) -> Entry {
            let note = format!("{count} of {agent}: {}", self.0);
            Entry { reason: "Knock", action: "Knock", type_: EventType::Normal, note, agent }
        }
    }

    fn agent(number: usize) -> AgentId {
        AgentId::new("qa", format!("agent-{number}"), "uid-1")
    }

    fn notes(entries: impl IntoIterator<Item = Entry>) -> Vec<String> {
        entries.into_iter().map(|entry| entry.note).collect()
    }

    #[test]
    fn the_first_are_told_at_once_and_a_flood_as_one_number_when_its_minute_ends() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for _ in 0..2 {
            let told = tally.count(&agent(1), Knock(1), start);
            assert_eq!(notes(told), ["1 of qa/agent-1: 1"]);
        }
        for _ in 0..1000 {
            assert!(tally.count(&agent(1), Knock(2), start).is_none());
        }
        assert_eq!(tally.next_due(), Some(start + REPORT_INTERVAL));
        assert!(tally.due(start + REPORT_INTERVAL / 2).is_empty());

        assert_eq!(notes(tally.due(start + REPORT_INTERVAL)), ["1000 of qa/agent-1: 2000"]);
        let next = start + REPORT_INTERVAL;
        assert!(tally.count(&agent(1), Knock(1), next).is_none(), "the minute before was busy");
        assert_eq!(notes(tally.due(next + REPORT_INTERVAL)), ["1 of qa/agent-1: 1"]);
    }

    #[test]
    fn an_agent_whose_minute_was_quiet_is_forgotten() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        tally.count(&agent(1), Knock(1), start);
        assert!(tally.due(start + REPORT_INTERVAL).is_empty());
        assert_eq!(tally.next_due(), None);
        assert!(tally.count(&agent(1), Knock(1), start).is_some());
    }

    #[test]
    fn the_tally_is_bounded() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for number in 0..AGENTS_MAX {
            assert!(tally.count(&agent(number), Knock(1), start).is_some());
        }
        assert!(tally.count(&agent(AGENTS_MAX), Knock(1), start).is_none());
        assert_eq!(tally.0.len(), AGENTS_MAX);
        assert!(tally.count(&agent(0), Knock(1), start).is_some(), "it was there before");
    }

    #[test]
    fn a_process_that_ends_tells_the_rest() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for _ in 0..3 {
            tally.count(&agent(1), Knock(1), start);
        }
        tally.count(&agent(2), Knock(1), start);
        assert_eq!(notes(tally.rest()), ["1 of qa/agent-1: 1"]);
    }
}
