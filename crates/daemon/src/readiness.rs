//! Whether the process can do its work now: named gates that must all be open.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// All gates of one process. Without any gate it is ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, State>>>);

#[derive(Clone, Debug)]
enum State {
    Ready,
    Unready(String),
}

impl Readiness {
    /// Adds a gate, closed until somebody says otherwise.
    pub fn gate(&self, name: &'static str) -> Gate {
        let gate = Gate { name, readiness: self.clone() };
        gate.set_unready("starting");
        gate
    }

    /// Whether every gate is open.
    pub fn is_ready(&self) -> bool {
        self.missing().0.is_empty()
    }

    /// The closed gates, sorted by name, with their reasons.
    pub fn missing(&self) -> Missing {
        let closed = |(name, state): (&&'static str, &State)| match state {
            State::Ready => None,
            State::Unready(reason) => Some((*name, reason.clone())),
        };
        Missing(self.states().iter().filter_map(closed).collect())
    }

    fn states(&self) -> MutexGuard<'_, BTreeMap<&'static str, State>> {
        // Each change is one insertion, so a panic elsewhere left nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One condition of readiness, held by whoever knows whether it is met.
#[derive(Clone, Debug)]
pub struct Gate {
    name: &'static str,
    readiness: Readiness,
}

impl Gate {
    pub fn set_ready(&self) {
        self.readiness.states().insert(self.name, State::Ready);
    }

    /// `reason` is read by operators at /readyz.
    pub fn set_unready(&self, reason: impl Into<String>) {
        self.readiness.states().insert(self.name, State::Unready(reason.into()));
    }
}

/// What keeps a process from being ready; prints one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing(Vec<(&'static str, String)>);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, reason)| writeln!(f, "{name}: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_closed_gate_is_enough_to_be_unready() {
        let readiness = Readiness::default();
        assert!(readiness.is_ready());

        let (watch, broker) = (readiness.gate("watch"), readiness.gate("broker"));
        watch.set_ready();
        broker.set_unready("cannot connect");
        assert_eq!(readiness.missing().to_string(), "broker: cannot connect\n");

        broker.set_ready();
        assert!(readiness.is_ready());

        watch.set_unready("no answer for 10 min");
        assert!(!readiness.is_ready());
    }

    #[test]
    fn a_new_gate_is_closed() {
        let readiness = Readiness::default();
        let _gate = readiness.gate("watch");
        assert_eq!(readiness.missing().to_string(), "watch: starting\n");
    }
}
