//! How many visits to each agent were denied: the first is told at once, what follows within a
//! minute is counted, and the count is told when the minute ends. Pure.

use std::{collections::HashMap, net::IpAddr, time::Duration};

use api_types::{AgentId, LinkName};
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
    last: Option<Denied>,
}

/// A visit that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// `None` is the default link.
    pub(super) link: Option<LinkName>,
    pub(super) client: IpAddr,
    pub(super) reason: &'static str,
}

impl Tally {
    /// Counts one denial. Returns what to tell of it at once, if it is the first for a while.
    pub(super) fn count(&mut self, agent: &AgentId, visit: Denied, now: Instant) -> Option<String> {
        if let Some(minute) = self.0.get_mut(agent) {
            minute.count += 1;
            minute.last = Some(visit);
            return None;
        }
        if self.0.len() >= AGENTS_MAX {
            return None;
        }
        let minute = Minute { ends: now + REPORT_INTERVAL, count: 0, last: None };
        self.0.insert(agent.clone(), minute);
        Some(note(1, &visit))
    }

    /// What to tell of the minutes that have ended. An agent whose minute was quiet is forgotten.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(AgentId, String)> {
        let mut reports = Vec::new();
        self.0.retain(|agent, minute| {
            if minute.ends > now {
                return true;
            }
            let Some(last) = minute.last.take() else { return false };
            reports.push((agent.clone(), note(minute.count, &last)));
            *minute = Minute { ends: now + REPORT_INTERVAL, count: 0, last: None };
            true
        });
        reports
    }

    /// Everything that is still untold, for a process that ends.
    pub(super) fn rest(&mut self) -> Vec<(AgentId, String)> {
        let told =
            |(agent, minute): (AgentId, Minute)| Some((agent, note(minute.count, &minute.last?)));
        self.0.drain().filter_map(told).collect()
    }

    /// When the next minute ends.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.0.values().map(|minute| minute.ends).min()
    }
}

fn note(count: u64, last: &Denied) -> String {
    let Denied { link, client, reason } = last;
    match (count, link) {
        (1, None) => format!("A visit to the share link from {client} was denied: {reason}"),
        (1, Some(link)) => {
            format!("A visit to the share link {link} from {client} was denied: {reason}")
        }
        (_, None) => format!(
            "{count} visits to the share link were denied, the last from {client}: {reason}"
        ),
        (_, Some(link)) => format!(
            "{count} visits to share links were denied, the last to {link} from {client}: {reason}"
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

    fn visit(reason: &'static str) -> Denied {
        Denied { link: None, client: CLIENT, reason }
    }

    #[test]
    fn a_link_with_a_name_is_named() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        let qa = Denied { link: LinkName::parse("qa").ok(), ..visit("network") };
        let first = tally.count(&agent(1), qa.clone(), start).unwrap();
        assert_eq!(first, "A visit to the share link qa from 203.0.113.9 was denied: network");
        tally.count(&agent(1), visit("network"), start);
        tally.count(&agent(1), qa, start);
        let expected =
            "2 visits to share links were denied, the last to qa from 203.0.113.9: network";
        assert_eq!(tally.rest(), [(agent(1), expected.to_owned())]);
    }

    #[test]
    fn the_first_denial_is_told_at_once_and_a_flood_as_one_number_when_its_minute_ends() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        assert!(tally.count(&agent(1), visit("network"), start).is_some());
        for _ in 0..1000 {
            assert_eq!(tally.count(&agent(1), visit("network"), start), None);
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
        tally.count(&agent(1), visit("network"), start);
        assert_eq!(tally.due(start + REPORT_INTERVAL), []);
        assert_eq!(tally.next_due(), None);
        assert!(tally.count(&agent(1), visit("network"), start).is_some());
    }

    #[test]
    fn the_tally_is_bounded() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        for number in 0..AGENTS_MAX {
            assert!(tally.count(&agent(number), visit("network"), start).is_some());
        }
        assert_eq!(tally.count(&agent(AGENTS_MAX), visit("network"), start), None);
        assert_eq!(tally.0.len(), AGENTS_MAX);
    }

    #[test]
    fn a_process_that_ends_tells_the_rest() {
        let (mut tally, start) = (Tally::default(), Instant::now());
        tally.count(&agent(1), visit("network"), start);
        tally.count(&agent(1), visit("expired"), start);
        tally.count(&agent(2), visit("network"), start);
        let note = "A visit to the share link from 203.0.113.9 was denied: expired".to_owned();
        assert_eq!(tally.rest(), [(agent(1), note)]);
    }
}
