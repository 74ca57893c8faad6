//! What the broker counts. No label ever comes from a user.

use std::time::Duration;

use daemon::TracedTimes;
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use share::{LinkMetrics, Links, capacity::Full};
use tokio::time::Instant;
use tracing::Span;

use crate::closing::{End, Refusal};

type Labelled<M> = Family<[(&'static str, &'static str); 1], M>;

/// The broker's own metrics. A clone is the same metrics.
#[derive(Clone, Debug)]
pub struct BrokerMetrics {
    open: Gauge,
    opened: Counter,
    closed: Labelled<Counter>,
    refused: Labelled<Counter>,
    not_started: Labelled<Counter>,
    wakes: Labelled<Counter>,
    watching: Gauge,
    bytes: Labelled<Counter>,
    exec_open: TracedTimes,
    round_trip: Histogram,
    links: LinkMetrics,
    events_lost: Counter,
}

/// Which way terminal bytes pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
}

impl BrokerMetrics {
    /// Registers them, and what there is to tell of `links`.
    pub fn register(registry: &mut Registry, links: &Links) -> Self {
        let own = Self {
            open: Gauge::default(),
            opened: Counter::default(),
            closed: Family::default(),
            refused: Family::default(),
            not_started: Family::default(),
            wakes: Family::default(),
            watching: Gauge::default(),
            bytes: Family::default(),
            exec_open: TracedTimes::register(
                registry,
                "exec_open",
                "From an admitted opening to an open exec",
                // 5 ms to 10 s.
                exponential_buckets(0.005, 2.0, 12),
            ),
            // 1 ms to 8 s.
            round_trip: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            links: LinkMetrics::register(registry, links),
            events_lost: Counter::default(),
        };
        let Self { open, opened, closed, refused, bytes, events_lost, .. } = own.clone();
        let Self { not_started, wakes, watching, round_trip, .. } = own.clone();
        registry.register("terminals_open", "Open terminals", open);
        registry.register("terminals_opened", "Terminals that opened", opened);
        registry.register("terminals_closed", "Terminals that ended, by reason", closed);
        registry.register("terminals_refused", "Terminals not opened, by reason", refused);
        let help = "Terminals that the agent's pod did not start, by reason";
        registry.register("terminals_not_started", help, not_started);
        registry.register("wakes", "Calls to wake a sleeping agent, by result", wakes);
        let help = "Controllers that watch who uses which agent";
        registry.register("controllers_watching", help, watching);
        let help = "Terminal bytes that passed, by direction";
        registry.register_with_unit("terminal", help, Unit::Bytes, bytes);
        let help = "From a ping to the screen in an agent's pod until its answer";
        registry.register_with_unit("screen_round_trip", help, Unit::Seconds, round_trip);
        registry.register("events_lost", "Events that were not written", events_lost);
        // Of a counter that appears with its first event, the alert's `increase` never sees that event.
        own.refused.get_or_create_owned(&[("reason", Full::Process.category())]);
        own
    }

    pub(crate) fn opened(&self, exec_open: Duration, call: &Span) {
        self.open.inc();
        self.opened.inc();
        self.exec_open.observe(exec_open, call);
    }

    pub(crate) fn closed(&self, end: End) {
        self.open.dec();
        self.closed.get_or_create(&[("reason", end.category())]).inc();
    }

    pub(crate) fn refused(&self, refusal: Refusal) {
        self.refused.get_or_create(&[("reason", refusal.category())]).inc();
    }

    /// `reason` is a word of ours.
    pub(crate) fn not_started(&self, reason: &'static str) {
        self.not_started.get_or_create(&[("reason", reason)]).inc();
    }

    /// The screen answered a ping, so long after it.
    pub(crate) fn round_trip(&self, duration: Duration) {
        self.round_trip.observe(duration.as_secs_f64());
    }

    /// The terminal has ended, as its viewer lost the right to it at `lost_at`.
    pub(crate) fn revoked(&self, lost_at: Instant) {
        self.links.revoked(lost_at);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_alert_counts_is_there_before_it_happens() {
        let process = daemon::Metrics::new("test");
        process.register(|registry| BrokerMetrics::register(registry, &Links::new()));
        let text = process.encode().unwrap();
        let counter = "kubeopencode_terminals_refused_total{reason=\"terminals\"} 0";
        assert!(text.contains(counter), "{counter} is not in {text}");
    }
}
