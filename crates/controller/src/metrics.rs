//! What the controller counts of itself.

use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

type Label = [(&'static str, &'static str); 1];

/// A clone counts into the same numbers.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    reconciles: Family<Label, Counter>,
    errors: Family<Label, Counter>,
    leader: Gauge,
}

impl Metrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        let Self { reconciles, errors, leader } = metrics.clone();
        registry.register("reconciles", "Reconciles of Agents, by result", reconciles);
        registry.register("reconcile_errors", "Failures, by category", errors);
        registry.register("leader", "1 while this replica leads", leader);
        metrics
    }

    /// One reconcile succeeded.
    pub fn reconciled(&self) {
        self.reconciles.get_or_create(&[("result", "ok")]).inc();
    }

    /// One reconcile failed.
    pub fn reconcile_failed(&self, category: &'static str) {
        self.reconciles.get_or_create(&[("result", "error")]).inc();
        self.failed(category);
    }

    /// Something failed, in a reconcile or beside it.
    pub fn failed(&self, category: &'static str) {
        self.errors.get_or_create(&[("category", category)]).inc();
    }

    pub fn leads(&self, yes: bool) {
        self.leader.set(yes.into());
    }
}
