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
    wakes: Labelled<Counter>,
    watching: Gauge,
    bytes: Labelled<Counter>,
    exec_open: Histogram,
    events_lost: Counter,
}

/// Which way terminal bytes pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

impl BrokerMetrics {
    pub fn register(registry: &mut Registry) -> Self {
        let own = Self {
            open: Gauge::default(),
            opened: Counter::default(),
            closed: Family::default(),
            refused: Family::default(),
            wakes: Family::default(),
            watching: Gauge::default(),
            bytes: Family::default(),
            // 5 ms to 10 s.
            exec_open: Histogram::new(exponential_buckets(0.005, 2.0, 12)),
            events_lost: Counter::default(),
        };
        let Self { open, opened, closed, refused, bytes, exec_open, events_lost, .. } = own.clone();
        let Self { wakes, watching, .. } = own.clone();
        registry.register("terminals_open", "Open terminals", open);
        registry.register("terminals_opened", "Terminals that opened", opened);
        registry.register("terminals_closed", "Terminals that ended, by reason", closed);
        registry.register("terminals_refused", "Terminals not opened, by reason", refused);
        registry.register("wakes", "Calls to wake a sleeping agent, by result", wakes);
        let help = "Controllers that watch who uses which agent";
        registry.register("controllers_watching", help, watching);
        registry.register("terminal_bytes", "Terminal bytes that passed, by direction", bytes);
        let help = "From an admitted opening to an open exec";
        registry.register_with_unit("exec_open", help, Unit::Seconds, exec_open);
        registry.register("events_lost", "Events that were not written", events_lost);
        own
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

    /// Counts a call to wake an agent: `result` is a word of ours.
    pub(crate) fn wake(&self, result: &'static str) {
        self.wakes.get_or_create(&[("result", result)]).inc();
    }

    pub(crate) fn controllers_watching(&self, count: usize) {
        self.watching.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    pub(crate) fn bytes(&self, direction: Direction) -> Counter {
        let direction = match direction {
            Direction::Input => "input",
            Direction::Output => "output",
        };
        self.bytes.get_or_create_owned(&[("direction", direction)])
    }

    pub(crate) fn events_lost(&self) -> &Counter {
        &self.events_lost
    }
}
