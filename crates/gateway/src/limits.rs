//! How often one client may ask, and what happens to one that tries tokens. It
//! counts in memory only: a refused request costs nothing but its answer.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use governor::{
    Quota, RateLimiter, clock::Clock, middleware::NoOpMiddleware, state::keyed::DashMapStateStore,
};
use tokio::time::Instant;

/// Requests between two clean-ups of clients that have not been seen for a while.
const REQUESTS_BETWEEN_CLEANUPS: u32 = 4096;

/// How much one client may do.
#[derive(Clone, Debug)]
pub struct RequestLimits {
    /// Requests a minute, in the long run.
    pub per_minute: NonZeroU32,
    /// Requests at once, after a pause.
    pub burst: NonZeroU32,
    /// Wrong tokens a minute, and at once.
    pub wrong_tokens: NonZeroU32,
    /// How long a client that tried more is turned away.
    pub lockout: Duration,
}

/// Which limit was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    Requests,
    WrongTokens,
    TerminalsOfLink,
    TerminalsOfAgent,
    TerminalsInAll,
}

impl Limit {
    /// A label for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::WrongTokens => "wrong_tokens",
            Self::TerminalsOfLink => "terminals_of_link",
            Self::TerminalsOfAgent => "terminals_of_agent",
            Self::TerminalsInAll => "terminals_in_all",
        }
    }
}

/// A refusal, and when trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub limit: Limit,
    pub retry_after: Duration,
}

/// Whom the limits take for one client: an IPv4 address, or an IPv6 /64, since
/// one household or machine has a whole /64 to choose addresses from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ClientKey(IpAddr);

impl From<IpAddr> for ClientKey {
    fn from(ip: IpAddr) -> Self {
        Self(match ip {
            IpAddr::V4(_) => ip,
            IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() & (u128::MAX << 64)).into(),
        })
    }
}

type Buckets =
    RateLimiter<ClientKey, DashMapStateStore<ClientKey>, Uptime, NoOpMiddleware<Duration>>;

/// The state of all clients.
pub struct Limits {
    requests: Buckets,
    wrong_tokens: Buckets,
    lockout: Duration,
    locked_out: Mutex<HashMap<ClientKey, Instant>>,
    since_cleanup: AtomicU32,
}

impl Limits {
    pub fn new(limits: &RequestLimits) -> Self {
        let buckets = |quota| RateLimiter::new(quota, DashMapStateStore::default(), Uptime::new());
        Self {
            requests: buckets(Quota::per_minute(limits.per_minute).allow_burst(limits.burst)),
            wrong_tokens: buckets(Quota::per_minute(limits.wrong_tokens)),
            lockout: limits.lockout,
            locked_out: Mutex::default(),
            since_cleanup: AtomicU32::new(0),
        }
    }

    /// Whether this client's next request is looked at.
    pub fn admit(&self, client: IpAddr) -> Result<(), Refused> {
        let key = ClientKey::from(client);
        self.clean_up();
        if let Some(retry_after) = self.locked_for(key) {
            return Err(Refused { limit: Limit::WrongTokens, retry_after });
        }
        self.requests.check_key(&key).map_err(|until| Refused {
            limit: Limit::Requests,
            retry_after: until.wait_time_from(self.requests.clock().now()),
        })
    }

    /// Counts a wrong token. Too many lock the client out, whatever it presents
    /// next: else the answer would tell a right token from a wrong one.
    pub fn wrong_token(&self, client: IpAddr) -> Result<(), Refused> {
        let key = ClientKey::from(client);
        if self.wrong_tokens.check_key(&key).is_ok() {
            return Ok(());
        }
        self.locks(|locks| locks.insert(key, Instant::now() + self.lockout));
        Err(Refused { limit: Limit::WrongTokens, retry_after: self.lockout })
    }

    fn locked_for(&self, key: ClientKey) -> Option<Duration> {
        let until = self.locks(|locks| locks.get(&key).copied())?;
        Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Forgets clients that are as good as new, so that memory follows the present
    /// load and not the past.
    fn clean_up(&self) {
        if self.since_cleanup.fetch_add(1, Ordering::Relaxed) < REQUESTS_BETWEEN_CLEANUPS {
            return;
        }
        self.since_cleanup.store(0, Ordering::Relaxed);
        for buckets in [&self.requests, &self.wrong_tokens] {
            buckets.retain_recent();
            buckets.shrink_to_fit();
        }
        let now = Instant::now();
        self.locks(|locks| locks.retain(|_, until| *until > now));
    }

    fn locks<T>(&self, with: impl FnOnce(&mut HashMap<ClientKey, Instant>) -> T) -> T {
        with(&mut self.locked_out.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Tokio's clock as governor's, so that tests can pause both.
#[derive(Clone, Copy, Debug)]
struct Uptime(Instant);

impl Uptime {
    fn new() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Uptime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests;
