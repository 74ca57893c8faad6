//! What happened to share links, for the agents' owners: a log line as it happens, and an Event on
//! the Agent when the cluster takes it. One bounded writer for the process. It never holds up a
//! visit, and knows links only by the start of a digest.

use std::{
    fmt,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use api_types::{AgentId, LinkName, TokenLookup};
use kube::{
    Client,
    runtime::events::{EventType, Reporter},
};
use prometheus_client::metrics::counter::Counter;
use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use crate::{client::Visitor, denial::Denial};

mod happenings;
mod log_limit;
mod tally;
mod writer;

use happenings::{Closed, Denied, Opened, Tallies};
use log_limit::LogLimit;
use tally::{Happening, Tally};

use writer::Entry;
pub use writer::Writer;

/// Events that may wait for the cluster: as many as all terminals of a full process close with. One
/// more is dropped and counted; its log line stays.
const QUEUED_EVENTS: usize = 2048;

/// Where visits report to. A clone is the same audit.
#[derive(Clone, Debug)]
pub struct Audit {
    queue: mpsc::Sender<Entry>,
    tallies: Arc<Mutex<Tallies>>,
    counted: Arc<Notify>,
    log_limit: Arc<LogLimit>,
    lost: Counter,
}

/// One open terminal, as logs and Events name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terminal {
    pub agent: AgentId,
    pub link: TokenLookup,
    /// `None` is the default link.
    pub link_name: Option<LinkName>,
    pub client: IpAddr,
    /// The broker's name for the session.
    pub session: String,
}

impl Terminal {
    /// Names the link: 8 hexadecimal digits of a digest, which open nothing.
    pub fn link_id(&self) -> String {
        link_id(self.link)
    }

    fn opened(&self) -> Opened {
        let link = label(self.link, self.link_name.as_ref());
        Opened { link, client: self.client, session: self.session.clone() }
    }
}

/// A link as its agent's owner knows it: by its name, where it has one, and by its token's digest.
fn label(link: TokenLookup, name: Option<&LinkName>) -> String {
    let id = link_id(link);
    name.map_or_else(|| id.clone(), |name| format!("{name} ({id})"))
}

/// Names a link in logs and Events: 8 hexadecimal digits of a digest, which open nothing.
pub fn link_id(link: TokenLookup) -> String {
    link.to_string().chars().take(8).collect()
}

/// Who asked for a session's end: a name from a certificate, and what the viewer was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct By<'a> {
    pub name: &'a str,
    /// May be empty.
    pub saying: &'a str,
}

impl fmt::Display for By<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, saying } = self;
        if saying.is_empty() { f.write_str(name) } else { write!(f, "{name} (\"{saying}\")") }
    }
}

/// What a session came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    /// A stable word.
    pub reason: &'static str,
    /// Where somebody asked for the end.
    pub by: Option<By<'a>>,
    pub duration: Duration,
    pub input_bytes: u64,
    pub output_bytes: u64,
}

/// An audit, and the writer of its Events, which somebody must run. `lost` counts Events that were
/// not written.
pub fn audit(client: Client, reporter: Reporter, lost: &Counter) -> (Audit, Writer) {
    let (sender, queue) = mpsc::channel(QUEUED_EVENTS);
    let audit = Audit {
        queue: sender,
        tallies: Arc::default(),
        counted: Arc::default(),
        log_limit: Arc::default(),
        lost: lost.clone(),
    };
    let writer = Writer::new(queue, &audit, client, reporter);
    (audit, writer)
}

impl Audit {
    pub fn opened(&self, terminal: &Terminal) {
        let Terminal { agent, client, session, link_name, .. } = terminal;
        let (link, link_name) = (terminal.link_id(), link_name.as_ref().map(LinkName::as_str));
        tracing::info!(%session, %agent, link, link_name, %client, "terminal opened");
        self.tell(agent, terminal.opened(), |tallies| &mut tallies.opened);
    }

    pub fn closed(&self, terminal: &Terminal, summary: Summary<'_>) {
        let Terminal { agent, client, session, link_name, .. } = terminal;
        let (link, link_name) = (terminal.link_id(), link_name.as_ref().map(LinkName::as_str));
        let Summary { reason, by, duration, input_bytes, output_bytes } = summary;
        let seconds = duration.as_secs();
        tracing::info!(
            %session, %agent, link, link_name, %client, reason,
            by = by.map(tracing::field::display), seconds, input_bytes, output_bytes,
            "terminal closed"
        );
        let by = by.map(|by| format!(" by {by}")).unwrap_or_default();
        let (last, reason) = (terminal.opened(), format!("{reason}{by}"));
        let closed = Closed { last, reason, seconds, input_bytes, output_bytes };
        self.tell(agent, closed, |tallies| &mut tallies.closed);
    }

    /// A visitor's wish woke an agent that slept in standby. Whoever reports it does so once for each
    /// time that the agent wakes.
    pub fn woken(&self, visitor: &Visitor) {
        let Visitor { agent, link, link_name, client } = visitor;
        let (client, name) = (client.ip, link_name.as_ref());
        self.log_limit.line(|suppressed| {
            let (link, link_name) = (link_id(*link), name.map(LinkName::as_str));
            tracing::info!(%agent, link, link_name, %client, suppressed, "agent woken by a visitor");
        });
        let link = label(*link, name);
        let note = format!("The agent was woken by a visitor of link {link} from {client}");
        let (reason, action, agent) = ("AgentWoken", "WakeAgent", agent.clone());
        self.publish(Entry { reason, action, type_: EventType::Normal, note, agent });
    }

    /// A visit was denied; `agent` is the one that its token names, where it names one, and `link` the
    /// name of its link, where that has one.
    pub fn denied(
        &self,
        agent: Option<&AgentId>,
        link: Option<&LinkName>,
        client: IpAddr,
        denial: Denial,
    ) {
        let reason = denial.category();
        self.log_limit.line(|suppressed| {
            let agent = agent.map(tracing::field::display);
            let link_name = link.map(LinkName::as_str);
            tracing::info!(agent, link_name, %client, reason, suppressed, "visit denied");
        });
        let Some(agent) = agent.filter(|_| denial.concerns_owner()) else { return };
        let visit = Denied { link: link.cloned(), client, reason };
        self.tell(agent, visit, |tallies| &mut tallies.denied);
    }

    /// A client that tried too many tokens is turned away for `lockout`.
    pub fn locked_out(&self, client: IpAddr, lockout: Duration) {
        self.log_limit.line(|suppressed| {
            let seconds = lockout.as_secs();
            tracing::warn!(%client, seconds, suppressed, "client locked out: too many wrong tokens");
        });
    }

    /// Tells it at once, or counts it for the end of its minute.
    fn tell<T: Happening>(
        &self,
        agent: &AgentId,
        one: T,
        tally: impl FnOnce(&mut Tallies) -> &mut Tally<T>,
    ) {
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let at_once = tally(&mut tallies).count(agent, one, Instant::now());
        drop(tallies);
        match at_once {
            Some(entry) => self.publish(entry),
            None => self.counted.notify_one(),
        }
    }

    fn publish(&self, entry: Entry) {
        if self.queue.try_send(entry).is_err() {
            self.lost.inc();
        }
    }
}

#[cfg(test)]
mod tests;
