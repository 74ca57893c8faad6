//! One replica of the broker: its connections, its sessions, and whether it failed lately. It
//! begins no connection itself.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use daemon::dial::Handshake;
use futures::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::{channel::Channel, choice};

/// How long a replica that failed is tried last.
pub(super) const FAILURE_MEMORY: Duration = Duration::from_secs(5);

/// A connection that is made or being made, once for all openings that wait for it; `None`
/// where it failed, which is logged.
pub(super) type Connecting = Shared<BoxFuture<'static, Option<Channel>>>;

/// A session as its replica counts it: until this is dropped.
#[derive(Debug)]
pub(super) struct Session {
    _of_replica: Arc<()>,
    _of_line: Arc<()>,
}

#[derive(Default)]
pub(super) struct Load {
    /// Cloned for each session.
    sessions: Arc<()>,
    pub(super) last_used: u64,
}

impl Load {
    pub(super) fn sessions(&self) -> usize {
        Arc::strong_count(&self.sessions) - 1
    }

    fn add(&mut self, opening: u64) -> Arc<()> {
        self.last_used = opening;
        Arc::clone(&self.sessions)
    }
}

/// Room for one connection. Sessions on those that were there before count as well.
#[derive(Default)]
struct Line {
    load: Load,
    connection: Option<Connection>,
}

pub(super) struct Connection {
    pub(super) channel: Connecting,
    /// From then on new sessions go to another one.
    pub(super) expires_at: Instant,
    /// What it shows and trusts.
    pub(super) handshake: Option<Handshake>,
}

impl Connection {
    fn serves(&self, now: Instant, newest: Option<&Handshake>) -> bool {
        let failed = matches!(self.channel.peek(), Some(None));
        now < self.expires_at && self.handshake.as_ref() == newest && !failed
    }

    fn is_lost(&self) -> bool {
        matches!(self.channel.peek(), Some(Some(channel)) if channel.is_closed())
    }
}

pub(super) struct Replica {
    pub(super) address: SocketAddr,
    pub(super) load: Load,
    pub(super) failed_at: Option<Instant>,
    lines: Vec<Line>,
}

impl Replica {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address, load: Load::default(), failed_at: None, lines: Vec::new() }
    }

    pub(super) fn is_failing(&self, now: Instant) -> bool {
        self.failed_at.is_some_and(|failed_at| now < failed_at + FAILURE_MEMORY)
    }

    /// Has `lines` connections from now on. One that is too many ends with its sessions.
    pub(super) fn resize(&mut self, lines: usize) {
        self.lines.resize_with(lines, Line::default);
    }

    /// Forgets connections that ended by themselves; whether there were any.
    pub(super) fn lose(&mut self) -> bool {
        let mut lost = false;
        for line in &mut self.lines {
            lost |= line.connection.take_if(|connection| connection.is_lost()).is_some();
        }
        lost
    }

    /// Gives new sessions another connection than this one.
    pub(super) fn retire(&mut self, channel: &Connecting) {
        for line in &mut self.lines {
            line.connection.take_if(|connection| connection.channel.ptr_eq(channel));
        }
    }

    /// Gives new sessions other connections than those there are.
    pub(super) fn retire_all(&mut self) {
        for line in &mut self.lines {
            line.connection = None;
        }
    }

    /// A connection for the `opening`th session, by `connect` if none will do.
    pub(super) fn open(
        &mut self,
        opening: u64,
        now: Instant,
        newest: Option<&Handshake>,
        connect: impl FnOnce(SocketAddr) -> Connection,
    ) -> Option<(Connecting, Session)> {
        let ranks = self.lines.iter().map(|line| (line.load.sessions(), line.load.last_used));
        let line = choice::choose(ranks)?;
        let line = self.lines.get_mut(line)?;
        line.connection.take_if(|connection| !connection.serves(now, newest));
        let connection = line.connection.get_or_insert_with(|| connect(self.address));
        let session =
            Session { _of_replica: self.load.add(opening), _of_line: line.load.add(opening) };
        Some((connection.channel.clone(), session))
    }
}
