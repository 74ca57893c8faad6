//! Token buckets by key, bounded in number. It knows no limit's meaning.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use governor::{
    Quota, RateLimiter,
    clock::Clock,
    middleware::NoOpMiddleware,
    state::{InMemoryState, NotKeyed},
};
use tokio::time::Instant;

use super::{Limit, Refused};

/// Keys at a time, some 20 MB. When there would be more, those that were quiet are forgotten, and
/// if that leaves more than half, all of them: to a stranger with so many addresses a limit for
/// each means nothing, and nobody else must be refused for it.
pub(super) const KEYS_MAX: usize = 65_536;

/// After this long without a word a bucket is full again, or nearly so.
const QUIET: Duration = Duration::from_mins(1);

/// One token bucket (GCRA).
pub(super) struct Bucket(RateLimiter<NotKeyed, InMemoryState, Uptime, NoOpMiddleware<Duration>>);

impl Bucket {
    pub(super) fn new(quota: Quota, now: Instant) -> Self {
        Self(RateLimiter::direct_with_clock(quota, Uptime(now)))
    }

    pub(super) fn take(&self, limit: Limit, now: Instant) -> Result<(), Refused> {
        let refused = |retry_after| Refused { limit, retry_after };
        self.0.check().map_err(|until| refused(until.wait_time_from(self.0.clock().at(now))))
    }
}

/// Values by key, each made when its key is first seen.
pub(super) struct Table<K, V> {
    make: Box<dyn Fn(Instant) -> V + Send + Sync>,
    /// How long a quiet key is remembered.
    memory: Duration,
    entries: Mutex<HashMap<K, Entry<V>>>,
}

struct Entry<V> {
    seen: Instant,
    value: V,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// Remembers each key for at least `memory` after it was last seen.
    pub(super) fn new(
        memory: Duration,
        make: impl Fn(Instant) -> V + Send + Sync + 'static,
    ) -> Self {
        Self { make: Box::new(make), memory: memory.max(QUIET), entries: Mutex::default() }
    }

    pub(super) fn with<R>(&self, key: K, step: impl FnOnce(&mut V, Instant) -> R) -> R {
        let now = Instant::now();
        // Each step is a few numbers, so a panic elsewhere left nothing half done.
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= KEYS_MAX && !entries.contains_key(&key) {
            entries.retain(|_, entry| now - entry.seen < self.memory);
            if entries.len() > KEYS_MAX / 2 {
                entries.clear();
            }
            entries.shrink_to_fit();
        }
        let new = || Entry { seen: now, value: (self.make)(now) };
        let entry = entries.entry(key).or_insert_with(new);
        entry.seen = now;
        step(&mut entry.value, now)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }
}

/// Tokio's clock as governor's, so that tests can pause both.
#[derive(Clone, Copy, Debug)]
struct Uptime(Instant);

impl Uptime {
    fn at(self, now: Instant) -> Duration {
        now - self.0
    }
}

impl Clock for Uptime {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.at(Instant::now())
    }
}
