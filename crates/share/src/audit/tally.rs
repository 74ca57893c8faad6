//! How many visits to each agent were denied: the first is told at once, what follows within a
//! minute is counted, and the count is told when the minute ends. Pure.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use api_types::AgentId;
use tokio::time::Instant;

/// The least time between two reports on one agent.
pub(super) const REPORT_INTERVAL: Duration = Duration::from_mins(1);
/// Agents that are counted apart; beyond them nothing is told, only logged and measured.
const AGENTS_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Tally(HashMap<AgentId, Minute>);

/// One agent's denials since they were last told.
#[derive(Debug)]
struct Minute {
    ends: Instant,
    count: u64,
    last: Option<(IpAddr, &'static str)>,
}

impl Tally {
    /// Counts one denial. Returns what to tell of it at once, if it is the first for a while.
    pub(super) fn count(
        &mut self,
        agent: &AgentId,
        client: IpAddr,
        reason: &'static str,
        now: Instant,
    ) -> Option<String> {
        if let Some(minute) = self.0.get_mut(agent) {
            minute.count += 1;
            minute.last = Some((client, reason));
            return None;
        }
        if self.0.len() >= AGENTS_MAX {
            return None;
        }
        let minute = Minute { ends: now + REPORT_INTERVAL, count: 0, last: None };
        self.0.insert(agent.clone(), minute);
        Some(format!("A visit to the share link from {client} was denied: {reason}"))
    }

    /// What to tell of the minutes that have ended. An agent whose minute was quiet is forgotten.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(AgentId, String)> {
        let mut reports = Vec::new();
        self.0.retain(|agent, minute| {
            if minute.ends > now {
                return true;
            }
            let Some((client, reason)) = minute.last.take() else { return false };
            reports.push((agent.clone(), note(minute.count, client, reason)));
            *minute = Minute { ends: now + REPORT_INTERVAL, count: 0, last: None };
            true
        });
        reports
    }

    /// Everything that is still untold, for a process that ends.
    pub(super) fn rest(&mut self) -> Vec<(AgentId, String)> {
        let told = |(agent, minute): (AgentId, Minute)| {
            let (client, reason) = minute.last?;
            Some((agent, note(minute.count, client, reason)))
        };
        self.0.drain().filter_map(told).collect()
    }

    /// When the next minute ends.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|minute| minute.ends).min()
    }
}

fn note(count: u64, client: IpAddr, reason: &'static str) -> String {
    match count {
        1 => format!("A visit to the share link from {client} was denied: {reason}"),
        _ => format!(
            "{count} visits to the share link were denied, the last from {client}: {reason}"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    fn agent(number: usize) -> AgentId {
        AgentId::new("qa", format!("agent-{number}"), "uid-1")
    }

    #[test]
    fn the_first_denial_is_told_at_once_and_a_flood_as_one_number_when_its_minute_ends() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        assert!(tally.count(&agent(1), CLIENT, "network", start).is_some());
        for _ in 0..1000 {
            assert_eq!(tally.count(&agent(1), CLIENT, "network", start), None);
        }
        assert_eq!(tally.next_due(), Some(start + REPORT_INTERVAL));
        assert_eq!(tally.due(start + REPORT_INTERVAL / 2), []);

        let told = tally.due(start + REPORT_INTERVAL);
        let expected =
            "1000 visits to the share link were denied, the last from 203.0.113.9: network";
        assert_eq!(told, [(agent(1), expected.to_owned())]);
    }

    #[test]
    fn an_agent_whose_minute_was_quiet_is_forgotten() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        tally.count(&agent(1), CLIENT, "network", start);
        assert_eq!(tally.due(start + REPORT_INTERVAL), []);
        assert_eq!(tally.next_due(), None);
        assert!(tally.count(&agent(1), CLIENT, "network", start).is_some());
    }

    #[test]
    fn the_tally_is_bounded() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for number in 0..AGENTS_MAX {
            assert!(tally.count(&agent(number), CLIENT, "network", start).is_some());
        }
        assert_eq!(tally.count(&agent(AGENTS_MAX), CLIENT, "network", start), None);
        assert_eq!(tally.0.len(), AGENTS_MAX);
    }

    #[test]
    fn a_process_that_ends_tells_the_rest() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        tally.count(&agent(1), CLIENT, "network", start);
        tally.count(&agent(1), CLIENT, "expired", start);
        tally.count(&agent(2), CLIENT, "network", start);
        let note = "A visit to the share link from 203.0.113.9 was denied: expired".to_owned();
        assert_eq!(tally.rest(), [(agent(1), note)]);
    }
}
