//! All replicas of the broker: who they are now, and which one an opening goes to.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use daemon::{chain, dial::Handshake};
use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::{Instant, timeout};
use tonic::Status;

use super::{
    channel::{ConnectError, Connector},
    choice::{self, Answer, Lookup, Rank},
    replica::{Connecting, Connection, Replica, Session},
};

/// Replicas to which a gateway keeps connections; it goes to others when these fail.
const REPLICAS_MAX: usize = 4;
/// Connections to the only replica, so that one that hangs is not the only one.
const CONNECTIONS_TO_ONE: usize = 2;

/// How long new sessions go to a connection, give or take a tenth: brokers that came later, and
/// new certificates, get theirs.
const CONNECTION_AGE_MAX: Duration = Duration::from_mins(5);

/// How long an opening may wait for addresses.
const LOOKUP_DEADLINE: Duration = Duration::from_secs(3);

/// Asks for the addresses of all replicas.
pub(super) type Resolver =
    Box<dyn Fn() -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The replicas that an opening has tried.
#[derive(Debug, Default)]
pub struct Tried(Vec<SocketAddr>);

/// Where an opening goes.
pub(super) struct Pick {
    pub(super) address: SocketAddr,
    pub(super) channel: Connecting,
    pub(super) session: Session,
}

/// How it went there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The replica works, whatever it said to this opening.
    Answered,
    /// The replica said UNAVAILABLE.
    Unavailable,
    /// There is no connection, or it is not to be relied on.
    Broken,
}

pub(super) struct Pool {
    connector: Connector,
    resolver: Resolver,
    /// Of this process alone: gateways prefer different replicas.
    random: RandomState,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// In the order in which this gateway prefers them.
    replicas: Vec<Replica>,
    openings: u64,
    looked_up_at: Option<Instant>,
    doubted: bool,
    lookup: Option<Shared<BoxFuture<'static, ()>>>,
}

impl Pool {
    pub(super) fn new(connector: Connector, resolver: Resolver) -> Self {
        let (random, state) = Default::default();
        Self { connector, resolver, random, state }
    }

    /// Chooses where the next session is opened, and counts it there.
    pub(super) async fn pick(self: &Arc<Self>, tried: &mut Tried) -> Result<Pick, Status> {
        loop {
            if let Some(lookup) = self.renew() {
                lookup.await;
            }
            let pick = self.choose(tried);
            let pick = pick.ok_or_else(|| Status::unavailable("no broker has an address"))?;
            // Each round retires a connection, and one that is being made is taken as it comes.
            if let Some(Some(channel)) = pick.channel.peek()
                && channel.is_going_away().await
            {
                self.note(pick.address, &pick.channel, Outcome::Broken);
                continue;
            }
            tried.0.push(pick.address);
            return Ok(pick);
        }
    }

    pub(super) fn untried(&self, tried: &Tried) -> bool {
        self.state().replicas.iter().any(|replica| !tried.0.contains(&replica.address))
    }

    /// Takes note of how an opening went over `channel`.
    pub(super) fn note(&self, address: SocketAddr, channel: &Connecting, outcome: Outcome) {
        let now = Instant::now();
        let mut state = self.state();
        state.doubted |= outcome == Outcome::Broken;
        let mut replicas = state.replicas.iter_mut();
        let Some(replica) = replicas.find(|replica| replica.address == address) else { return };
        replica.failed_at = (outcome != Outcome::Answered).then_some(now);
        if outcome == Outcome::Broken {
            replica.retire(channel);
        }
    }

    /// Looks the addresses up if they have to be, once for all openings; what is returned has to
    /// be awaited first.
    fn renew(self: &Arc<Self>) -> Option<Shared<BoxFuture<'static, ()>>> {
        let now = Instant::now();
        let mut state = self.state();
        state.lose(now);
        let needed = state.answer(now).lookup();
        if needed == Lookup::None {
            return None;
        }
        let lookup = state.lookup.get_or_insert_with(|| {
            let lookup = Arc::clone(self).look_up().boxed().shared();
            self.connector.tasks.spawn(lookup.clone());
            lookup
        });
        (needed == Lookup::Awaited).then(|| lookup.clone())
    }

    pub(super) async fn look_up(self: Arc<Self>) {
        let late = |_| Err(io::ErrorKind::TimedOut.into());
        let found = timeout(LOOKUP_DEADLINE, (self.resolver)()).await.unwrap_or_else(late);
        let mut state = self.state();
        state.lookup = None;
        state.looked_up_at = Some(Instant::now());
        state.doubted = false;
        match found {
            Ok(addresses) if addresses.is_empty() => tracing::warn!("no broker has an address"),
            Ok(addresses) => state.replace(addresses, &self.random),
            // The former addresses stay.
            Err(error) => tracing::warn!(%error, "cannot look up the brokers' addresses"),
        }
    }

    /// How many replicas work as far as is known, and how many failed lately.
    pub(super) fn replicas(&self) -> (usize, usize) {
        let now = Instant::now();
        let state = self.state();
        let failing = state.replicas.iter().filter(|replica| replica.is_failing(now)).count();
        (state.replicas.len() - failing, failing)
    }

    /// Waits for a lookup that is under way.
    #[cfg(test)]
    pub(super) async fn looked_up(&self) {
        let lookup = self.state().lookup.clone();
        if let Some(lookup) = lookup {
            lookup.await;
        }
    }

    fn choose(&self, tried: &Tried) -> Option<Pick> {
        let now = Instant::now();
        let handshake = self.connector.handshake();
        let mut state = self.state();
        state.openings += 1;
        let opening = state.openings;
        let ranks = state.replicas.iter().enumerate().map(|(index, replica)| Rank {
            tried: tried.0.contains(&replica.address),
            failing: replica.is_failing(now),
            spare: index >= REPLICAS_MAX,
            sessions: replica.load.sessions(),
            last_used: replica.load.last_used,
        });
        let chosen = choice::choose(ranks)?;
        let replica = state.replicas.get_mut(chosen)?;
        let connect = |address| Connection {
            channel: self.connect(address, handshake.clone()),
            expires_at: now + self.age_max(opening),
            handshake: handshake.clone(),
        };
        let (channel, session) = replica.open(opening, now, handshake.as_ref(), connect)?;
        Some(Pick { address: replica.address, channel, session })
    }

    /// Goes on without the opening that asked for it: others wait for it as well.
    fn connect(&self, address: SocketAddr, handshake: Option<Handshake>) -> Connecting {
        let connected = self.connector.connect(address, handshake).map(move |connected| {
            let failed = |error: &ConnectError| {
                tracing::warn!(%address, error = chain(error), "cannot connect to a broker");
            };
            connected.inspect_err(failed).ok()
        });
        let channel = connected.boxed().shared();
        self.connector.tasks.spawn(channel.clone());
        channel
    }

    /// Between nine and eleven tenths, so that connections are not replaced all at once.
    fn age_max(&self, opening: u64) -> Duration {
        let [random, ..] = self.random.hash_one(opening).to_le_bytes();
        CONNECTION_AGE_MAX * (9 * 256 + 2 * u32::from(random)) / (10 * 256)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // No change is left half done by a panic elsewhere.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes note of connections that ended by themselves, and closes those that were opened to
    /// further replicas and serve no session any more.
    fn lose(&mut self, now: Instant) {
        for (index, replica) in self.replicas.iter_mut().enumerate() {
            if replica.lose() {
                replica.failed_at = Some(now);
                self.doubted = true;
            }
            if index >= REPLICAS_MAX && replica.load.sessions() == 0 {
                replica.retire_all();
            }
        }
    }

    fn answer(&self, now: Instant) -> Answer {
        Answer {
            age: self.looked_up_at.map(|at| now.duration_since(at)),
            doubted: self.doubted,
            usable: self.replicas.iter().any(|replica| !replica.is_failing(now)),
        }
    }

    /// Keeps what is known of replicas that are still there, and forgets the others: their
    /// connections end with their sessions.
    fn replace(&mut self, mut addresses: Vec<SocketAddr>, random: &RandomState) {
        addresses.sort_unstable_by_key(|address| (random.hash_one(address), *address));
        addresses.dedup();
        let lines = if addresses.len() == 1 { CONNECTIONS_TO_ONE } else { 1 };
        let mut known = std::mem::take(&mut self.replicas);
        self.replicas = addresses
            .into_iter()
            .map(|address| {
                let same = known.iter().position(|replica| replica.address == address);
                let replica = same.map(|index| known.swap_remove(index));
                let mut replica = replica.unwrap_or_else(|| Replica::new(address));
                replica.resize(lines);
                replica
            })
            .collect();
    }
}
