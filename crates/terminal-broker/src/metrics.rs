//! What the broker counts. No label ever comes from a user.

use std::time::Duration;

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::closing::{End, Refusal};

type Labelled<M> = Family<[(&'static str, &'static str); 1], M>;

/// The broker's own metrics. A clone is the same metrics.
#[derive(Clone, Debug)]
pub struct BrokerMetrics {
    open: Gauge,
    opened: Counter,
    closed: Labelled<Counter>,
    refused: Labelled<Counter>,
    bytes: Labelled<Counter>,
    exec_open: Histogram,
    events_lost: Counter,
}

impl BrokerMetrics {
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            open: Gauge::default(),
            opened: Counter::default(),
            closed: Family::default(),
            refused: Family::default(),
            bytes: Family::default(),
            // 5 ms to 10 s.
            exec_open: Histogram::new(exponential_buckets(0.005, 2.0, 12)),
            events_lost: Counter::default(),
        };
        registry.register("terminals_open", "Open sessions", metrics.open.clone());
        registry.register("terminals_opened", "Sessions that opened", metrics.opened.clone());
        registry.register("terminals_closed", "Sessions that ended", metrics.closed.clone());
        registry.register("terminals_refused", "Openings refused", metrics.refused.clone());
        registry.register_with_unit(
            "terminals",
            "Terminal bytes that passed",
            Unit::Bytes,
            metrics.bytes.clone(),
        );
        registry.register_with_unit(
            "exec_open",
            "From an admitted opening to an open exec",
            Unit::Seconds,
            metrics.exec_open.clone(),
        );
        registry.register("events_lost", "Events not written", metrics.events_lost.clone());
        metrics
    }

    pub(crate) fn opened(&self, exec_open: Duration) {
        self.open.inc();
        self.opened.inc();
        self.exec_open.observe(exec_open.as_secs_f64());
    }

    pub(crate) fn closed(&self, end: End) {
        self.open.dec();
        self.closed.get_or_create(&[("reason", end.category())]).inc();
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused.get_or_create(&[("reason", refusal.category())]).inc();
    }

    /// The counter of one direction: `input` or `output`.
    pub(crate) fn bytes(&self, direction: &'static str) -> Counter {
        self.bytes.get_or_create_owned(&[("direction", direction)])
    }

    pub(crate) fn event_lost(&self) {
        self.events_lost.inc();
    }
}
