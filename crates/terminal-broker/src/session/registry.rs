//! The open sessions: what is known of each, and what ends it from outside. How many there may be is
//! [`share::capacity`]'s business.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    ops::Bound,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use api_types::{AgentId, LinkName};
use daemon::clock;
use prometheus_client::metrics::counter::Counter;
use share::{
    Visit, Visitor,
    audit::{Audit, By, Summary, Terminal},
    capacity::{Capacity, Full, Limits, Slot},
};
use time::OffsetDateTime;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    activity::{Activity, CountedSession},
    closing::{Dismissal, End},
    metrics::{BrokerMetrics, Direction},
};

/// All open sessions. A clone is the same ones.
#[derive(Clone, Debug)]
pub(crate) struct Sessions {
    /// Of this process: another one counts its sessions from the beginning.
    pub(crate) run: Uuid,
    capacity: Capacity,
    open: Arc<Mutex<Open>>,
    activity: Activity,
    audit: Audit,
    metrics: BrokerMetrics,
}

#[derive(Debug, Default)]
struct Open {
    opened: u64,
    /// Oldest first.
    sessions: BTreeMap<u64, SessionInfo>,
}

/// What is known of a session. A clone is the same session.
#[derive(Clone, Debug)]
pub(crate) struct SessionInfo {
    pub(crate) id: Uuid,
    pub(crate) agent: AgentId,
    /// `None` is the default link.
    pub(crate) link_name: Option<LinkName>,
    pub(crate) client: IpAddr,
    pub(crate) opened_at: OffsetDateTime,
    pub(crate) counters: Arc<Counters>,
    close: Close,
}

/// A session's end that somebody asks for.
#[derive(Clone, Debug, Default)]
struct Close {
    requested: CancellationToken,
    /// Set before it is requested, and by the first who does.
    dismissal: Arc<OnceLock<Dismissal>>,
}

/// Some of the sessions, oldest first.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) sessions: Vec<SessionInfo>,
    /// The number of the last one, where there are more.
    pub(crate) goes_on_after: Option<u64>,
}

/// A session's place among the open ones, free again when dropped.
#[derive(Debug)]
pub(crate) struct SessionSlot {
    number: u64,
    info: SessionInfo,
    terminal: Terminal,
    sessions: Sessions,
    _counted: CountedSession,
    _capacity: Slot,
}

impl Sessions {
    pub(crate) fn new(limits: Limits, audit: Audit, metrics: BrokerMetrics) -> Self {
        let activity = Activity::new(metrics.clone());
        let (run, capacity) = (Uuid::new_v4(), Capacity::new(limits));
        Self { run, capacity, open: Arc::default(), activity, audit, metrics }
    }

    /// Which agents have sessions, as controllers are told.
    pub(crate) fn activity(&self) -> &Activity {
        &self.activity
    }

    pub(crate) fn audit(&self) -> &Audit {
        &self.audit
    }

    /// Takes a place for `visit`, or says which limit is met.
    pub(crate) fn claim(&self, visit: &Visit) -> Result<SessionSlot, Full> {
        let Visitor { agent, link, link_name, client } = visit.visitor().clone();
        let slot = self.capacity.claim(link, &agent, visit.grant().limits.max_viewers)?;
        let counted = self.activity.session(&agent);
        let id = Uuid::new_v4();
        let client = client.ip;
        let terminal = Terminal {
            agent: agent.clone(),
            link,
            link_name: link_name.clone(),
            client,
            session: id.to_string(),
        };
        let info = SessionInfo {
            id,
            agent,
            link_name,
            client,
            opened_at: clock::now(),
            counters: Arc::new(Counters::new(&self.metrics)),
            close: Close::default(),
        };
        let mut open = self.open();
        open.opened += 1;
        let number = open.opened;
        open.sessions.insert(number, info.clone());
        drop(open);
        let sessions = self.clone();
        Ok(SessionSlot { number, info, terminal, sessions, _counted: counted, _capacity: slot })
    }

    #[cfg(test)]
    pub(crate) fn list(&self) -> Vec<SessionInfo> {
        self.page(0, usize::MAX, |_| true).sessions
    }

    /// The first `most` of those that are `wanted` and were opened after the one of this number; the first has the number 1.
    pub(crate) fn page(
        &self,
        after: u64,
        most: usize,
        wanted: impl Fn(&SessionInfo) -> bool,
    ) -> Page {
        let open = self.open();
        let later = open.sessions.range((Bound::Excluded(after), Bound::Unbounded));
        let mut later = later.filter(|(_, session)| wanted(session)).peekable();
        let (mut sessions, mut last) = (vec![], after);
        while sessions.len() < most
            && let Some((number, session)) = later.next()
        {
            sessions.push(session.clone());
            last = *number;
        }
        Page { sessions, goes_on_after: later.peek().map(|_| last) }
    }

    /// Asks a session to end. `None` where there is none with that name.
    pub(crate) fn close(&self, id: Uuid, dismissal: Dismissal) -> Option<()> {
        let open = self.open();
        let session = open.sessions.values().find(|session| session.id == id)?;
        // An error says that somebody asked before.
        let _ = session.close.dismissal.set(dismissal);
        session.close.requested.cancel();
        Some(())
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        // Each change is one insertion or removal, so a panic elsewhere left nothing half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionSlot {
    pub(crate) fn info(&self) -> &SessionInfo {
        &self.info
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.info.counters
    }

    /// Waits until an operator asks for the session's end. Cancel safe.
    pub(crate) async fn close_requested(&self) {
        self.info.close.requested.cancelled().await;
    }

    /// Who asked for it, and why.
    pub(crate) fn dismissal(&self) -> Option<&Dismissal> {
        self.info.close.dismissal.get()
    }

    /// Reports that the viewer sees the terminal.
    pub(crate) fn opened(&self) {
        self.sessions.audit.opened(&self.terminal);
    }

    /// The screen answered a ping, so long after it.
    pub(crate) fn round_trip(&self, duration: Duration) {
        self.sessions.metrics.round_trip(duration);
    }

    /// The viewer lost the right to look at `lost_at`, and sees nothing more from now on.
    pub(crate) fn revoked(&self, lost_at: Instant) {
        self.sessions.metrics.revoked(lost_at);
    }

    /// Reports that the viewer sees it no longer.
    pub(crate) fn closed(&self, end: End, dismissal: Option<&Dismissal>, duration: Duration) {
        let (input_bytes, output_bytes) = (self.counters().input(), self.counters().output());
        let by = dismissal.map(|Dismissal { by, reason }| By { name: by, saying: reason });
        let summary = Summary { reason: end.category(), by, duration, input_bytes, output_bytes };
        self.sessions.metrics.closed(end);
        self.sessions.audit.closed(&self.terminal, summary);
    }
}

impl Drop for SessionSlot {
    fn drop(&mut self) {
        self.sessions.open().sessions.remove(&self.number);
    }
}

/// Terminal bytes of one session so far; the process's metrics count along.
#[derive(Debug)]
pub(crate) struct Counters {
    input: AtomicU64,
    output: AtomicU64,
    all_input: Counter,
    all_output: Counter,
}

impl Counters {
    fn new(metrics: &BrokerMetrics) -> Self {
        let (input, output) = Default::default();
        let all_input = metrics.bytes(Direction::Input);
        Self { input, output, all_input, all_output: metrics.bytes(Direction::Output) }
    }

    pub(crate) fn add_input(&self, bytes: usize) {
        self.input.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all_input.inc_by(bytes as u64);
    }

    pub(crate) fn add_output(&self, bytes: usize) {
        self.output.fetch_add(bytes as u64, Ordering::Relaxed);
        self.all_output.inc_by(bytes as u64);
    }

    pub(crate) fn input(&self) -> u64 {
        self.input.load(Ordering::Relaxed)
    }

    pub(crate) fn output(&self) -> u64 {
        self.output.load(Ordering::Relaxed)
    }
}
