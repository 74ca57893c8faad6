//! How long to wait after a failure: longer each time, for each agent apart.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use api_types::Agent;
use kube::runtime::{reflector::ObjectRef, watcher::DefaultBackoff};

/// 0.8 s to 30 s with jitter, as client-go does for its watches.
type Delays = HashMap<ObjectRef<Agent>, DefaultBackoff>;

/// The back-off of each agent that failed last time.
#[derive(Default)]
pub struct Retries(Mutex<Delays>);

impl Retries {
    /// The wait before the next attempt.
    pub fn after_failure(&self, agent: &ObjectRef<Agent>) -> Duration {
        let mut delays = self.delays();
        let next = delays.entry(agent.clone()).or_default().next();
        next.unwrap_or(Duration::from_secs(30))
    }

    /// The agent was reconciled without a failure, or is gone.
    pub fn clear(&self, agent: &ObjectRef<Agent>) {
        self.delays().remove(agent);
    }

    fn delays(&self) -> MutexGuard<'_, Delays> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn failures_wait_longer_until_one_attempt_succeeds() {
        let (retries, agent) = (Retries::default(), ObjectRef::new("demo").within("team-a"));
        let other = ObjectRef::new("other").within("team-a");

        let waits: Vec<Duration> = (0..6).map(|_| retries.after_failure(&agent)).collect();
        assert!(waits[5] > waits[0] * 4, "{waits:?}");
        assert!(retries.after_failure(&other) < waits[5], "each agent apart");

        retries.clear(&agent);
        assert!(retries.after_failure(&agent) < Duration::from_secs(2));
    }
}
