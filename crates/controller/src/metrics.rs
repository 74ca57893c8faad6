//! What the controller counts of itself, and what it tells of its agents at the time of a scrape. No
//! label names an agent.

mod agents;

use std::time::Duration;

use api_types::Agent;
use daemon::{TracedTimes, tls::Certificates};
use kube::runtime::reflector::Store;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::exponential_buckets},
    registry::Registry,
};
use tracing::Span;

use crate::guard::Guarded;
use agents::ReportedAgents;

type Label = [(&'static str, &'static str); 1];

const OK: Label = [("result", "ok")];
const ERROR: Label = [("result", "error")];

/// A clone counts into the same numbers.
#[derive(Clone, Debug)]
pub struct Metrics {
    process: daemon::Metrics,
    reconciles: Family<Label, Counter>,
    errors: Family<Label, Counter>,
    watch_failures: Family<[(&'static str, String); 1], Counter>,
    durations: TracedTimes,
    waiting: Gauge,
    running: Gauge,
    leader: Gauge,
}

fn durations(registry: &mut Registry) -> TracedTimes {
    let help = "How long a reconcile of an Agent took";
    // 1 ms to 66 s, which is above the time that one may take.
    let buckets = exponential_buckets(0.001, 4.0, 9);
    TracedTimes::register(registry, "reconcile", help, buckets)
}

impl Metrics {
    /// Registers them with the process.
    pub fn new(process: &daemon::Metrics) -> Self {
        let metrics = Self {
            process: process.clone(),
            reconciles: Family::default(),
            errors: Family::default(),
            watch_failures: Family::default(),
            durations: process.register(durations),
            waiting: Gauge::default(),
            running: Gauge::default(),
            leader: Gauge::default(),
        };
        let Self { reconciles, errors, watch_failures, .. } = metrics.clone();
        let Self { waiting, running, leader, .. } = metrics.clone();
        process.register(|registry| {
            registry.register("reconciles", "Reconciles of Agents, by result", reconciles);
            registry.register("reconcile_errors", "Failures, by category", errors);
            let help = "Watches that broke and were opened again, by kind";
            registry.register("watch_failures", help, watch_failures);
            registry.register("agents_waiting", "Agents that wait for their reconcile", waiting);
            registry.register("agents_reconciling", "Agents that are being reconciled", running);
            registry.register("leader", "1 while this replica leads", leader);
        });
        // Of a counter that appears with its first event, an alert's `increase` never sees that event.
        for result in [OK, ERROR] {
            metrics.reconciles.get_or_create_owned(&result);
        }
        metrics
    }

    /// Reports from now on in which states the agents are.
    pub fn report_agents(&self, agents: &Store<Guarded<Agent>>) {
        let reported = Box::new(ReportedAgents::new(agents.clone()));
        self.process.register(|registry| registry.register_collector(reported));
    }

    /// Reports from now on when the certificates for the brokers end.
    pub fn report_certificates(&self, certificates: &Certificates) {
        certificates.report_ends(&self.process);
    }

    /// One reconcile succeeded.
    pub fn reconciled(&self) {
        self.reconciles.get_or_create(&OK).inc();
    }

    /// One reconcile failed.
    pub fn reconcile_failed(&self, category: &'static str) {
        self.reconciles.get_or_create(&ERROR).inc();
        self.failed(category);
    }

    /// One reconcile has ended, either way.
    pub fn reconcile_took(&self, duration: Duration, span: &Span) {
        self.durations.observe(duration, span);
    }

    /// Something failed, in a reconcile or beside it.
    pub fn failed(&self, category: &'static str) {
        self.errors.get_or_create(&[("category", category)]).inc();
    }

    /// A watch of that kind of object broke.
    pub fn watch_failed(&self, kind: &str) {
        self.watch_failures.get_or_create(&[("kind", kind.to_owned())]).inc();
    }

    /// So many agents wait for their reconcile, and so many are in it.
    pub fn queue(&self, waiting: usize, running: usize) {
        self.waiting.set(i64::try_from(waiting).unwrap_or(i64::MAX));
        self.running.set(i64::try_from(running).unwrap_or(i64::MAX));
    }

    pub fn leads(&self, yes: bool) {
        self.leader.set(yes.into());
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
impl Default for Metrics {
    fn default() -> Self {
        Self::new(&daemon::Metrics::new("test"))
    }
}
