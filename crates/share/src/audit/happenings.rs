//! What owners are told of: visits that were denied, terminals that were opened and closed, and how each of them reads.

use std::net::IpAddr;

use api_types::{AgentId, LinkName};
use kube::runtime::events::EventType;
use tokio::time::Instant;

use super::{
    tally::{Happening, Tally},
    writer::Entry,
};

/// Terminals of an agent that are told of each by itself: whoever shares with a few reads of every one. A link that fifty
/// look at, and that all come back by when a gateway restarts, makes one Event in place of a hundred.
const TERMINALS_AT_ONCE: u32 = 5;

/// All that is counted.
#[derive(Debug, Default)]
pub(super) struct Tallies {
    pub(super) denied: Tally<Denied>,
    pub(super) opened: Tally<Opened>,
    pub(super) closed: Tally<Closed>,
}

impl Tallies {
    pub(super) fn due(&mut self, now: Instant) -> Vec<Entry> {
        let (denied, opened) = (self.denied.due(now), self.opened.due(now));
        [denied, opened, self.closed.due(now)].concat()
    }

    pub(super) fn rest(&mut self) -> Vec<Entry> {
        [self.denied.rest(), self.opened.rest(), self.closed.rest()].concat()
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        let next = [self.denied.next_due(), self.opened.next_due(), self.closed.next_due()];
        next.into_iter().flatten().min()
    }
}

/// A visit that was denied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Denied {
    /// `None` is the default link.
    pub(super) link: Option<LinkName>,
    pub(super) client: IpAddr,
    pub(super) reason: &'static str,
}

/// A terminal that a viewer sees from now on.
#[derive(Debug)]
pub(super) struct Opened {
    /// The link, as its owner knows it.
    pub(super) link: String,
    pub(super) client: IpAddr,
    pub(super) session: String,
}

/// A terminal that its viewer sees no longer; or several, with the sums of their bytes.
#[derive(Debug)]
pub(super) struct Closed {
    /// The link, client and session of the last one.
    pub(super) last: Opened,
    /// Why the last one was closed, and by whom.
    pub(super) reason: String,
    /// How long the last one was open.
    pub(super) seconds: u64,
    pub(super) input_bytes: u64,
    pub(super) output_bytes: u64,
}

impl Happening for Denied {
    const AT_ONCE: u32 = 1;
    const IS_TOLD_UNCOUNTED: bool = false;

    fn and(self, newer: Self) -> Self {
        newer
    }

    fn entry(&self, count: u64, agent: AgentId) -> Entry {
        let Self { link, client, reason } = self;
        let note = match (count, link) {
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
        };
        Entry { reason: "ShareDenied", action: "Visit", type_: EventType::Warning, note, agent }
    }
}

impl Happening for Opened {
    const AT_ONCE: u32 = TERMINALS_AT_ONCE;
    const IS_TOLD_UNCOUNTED: bool = true;

    fn and(self, newer: Self) -> Self {
        newer
    }

    fn entry(&self, count: u64, agent: AgentId) -> Entry {
        let Self { link, client, session } = self;
        let note = match count {
            1 => format!("Link {link} was opened from {client}, session {session}"),
            _ => format!(
                "{count} terminals were opened, the last by link {link} from {client}, session {session}"
            ),
        };
        let (reason, action) = ("TerminalOpened", "OpenTerminal");
        Entry { reason, action, type_: EventType::Normal, note, agent }
    }
}

impl Happening for Closed {
    const AT_ONCE: u32 = TERMINALS_AT_ONCE;
    const IS_TOLD_UNCOUNTED: bool = true;

    fn and(self, newer: Self) -> Self {
        Self {
            input_bytes: self.input_bytes.saturating_add(newer.input_bytes),
            output_bytes: self.output_bytes.saturating_add(newer.output_bytes),
            ..newer
        }
    }

    fn entry(&self, count: u64, agent: AgentId) -> Entry {
        let Self { last: Opened { link, client, session }, reason, seconds, .. } = self;
        let Self { input_bytes, output_bytes, .. } = self;
        let bytes = format!("{input_bytes} bytes typed, {output_bytes} bytes shown");
        let last = format!("from {client}, session {session}: {reason} after {seconds} s");
        let note = match count {
            1 => format!("Link {link} {last}, {bytes}"),
            _ => format!("{count} terminals were closed, {bytes}; the last of link {link} {last}"),
        };
        let (reason, action) = ("TerminalClosed", "CloseTerminal");
        Entry { reason, action, type_: EventType::Normal, note, agent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(203, 0, 113, 9));

    fn note(of: &impl Happening, count: u64) -> String {
        of.entry(count, AgentId::new("qa", "demo", "uid-1")).note
    }

    fn opened(session: &str) -> Opened {
        Opened { link: "qa (0123abcd)".into(), client: CLIENT, session: session.into() }
    }

    #[test]
    fn a_link_with_a_name_is_named() {
        let denied = |link: &str| Denied {
            link: LinkName::parse(link).ok(),
            client: CLIENT,
            reason: "network",
        };
        assert_eq!(
            note(&denied("qa"), 1),
            "A visit to the share link qa from 203.0.113.9 was denied: network"
        );
        let both = denied("").and(denied("qa"));
        let last = "denied, the last to qa from 203.0.113.9: network";
        assert_eq!(note(&both, 2), format!("2 visits to share links were {last}"));
    }

    #[test]
    fn of_many_terminals_the_last_is_told_and_the_sums_of_all() {
        let both = opened("first").and(opened("second"));
        let last = "the last by link qa (0123abcd) from 203.0.113.9, session second";
        assert_eq!(note(&both, 2), format!("2 terminals were opened, {last}"));

        let closed = |session, seconds| Closed {
            last: opened(session),
            reason: "left".into(),
            seconds,
            input_bytes: 3,
            output_bytes: u64::MAX / 2,
        };
        let one = format!("{} bytes shown", u64::MAX / 2);
        let first = "Link qa (0123abcd) from 203.0.113.9, session first: left after 7 s";
        assert_eq!(note(&closed("first", 7), 1), format!("{first}, 3 bytes typed, {one}"));
        let many = closed("first", 7).and(closed("second", 8)).and(closed("third", 9));
        let sums = format!("9 bytes typed, {} bytes shown", u64::MAX);
        let last = "the last of link qa (0123abcd) from 203.0.113.9, session third: left after 9 s";
        assert_eq!(note(&many, 3), format!("3 terminals were closed, {sums}; {last}"));
    }
}
