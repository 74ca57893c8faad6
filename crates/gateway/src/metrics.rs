//! What the gateway counts. No label holds a token, a path, an agent or a client.

use std::time::Duration;

use daemon::{Metrics, TracedTimes};
use http::StatusCode;
use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use share::{Denial, LinkMetrics, Links, capacity::Full};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tracing::Span;

use crate::error::RequestError;

type Label = (&'static str, String);

/// The reason of a terminal that no broker could open, among those of closed ones.
pub(crate) const UNAVAILABLE: &str = "unavailable";

/// A clone counts the same things.
#[derive(Clone, Debug)]
pub(crate) struct GatewayMetrics {
    requests: Family<[Label; 2], Counter>,
    visits: Family<[(&'static str, &'static str); 2], Counter>,
    refused: Family<[Label; 1], Counter>,
    limited: Family<[Label; 1], Counter>,
    open: Gauge,
    opening: TracedTimes,
    closed: Family<[Label; 2], Counter>,
    round_trip: Histogram,
    links: LinkMetrics,
    input_bytes: Counter,
    output_bytes: Counter,
}

fn opening(registry: &mut Registry) -> TracedTimes {
    let help = "From a guest's request until its terminal is open";
    // 5 ms to 20 s.
    let buckets = exponential_buckets(0.005, 2.0, 13);
    TracedTimes::register(registry, "terminal_opening", help, buckets)
}

impl GatewayMetrics {
    /// Registers them with the process, and what there is to tell of `links`.
    pub(crate) fn new(metrics: &Metrics, links: &Links) -> Self {
        let bytes: Family<[(&str, &str); 1], Counter> = Family::default();
        let direction = |name| bytes.get_or_create_owned(&[("direction", name)]);
        let own = Self {
            requests: Family::default(),
            visits: Family::default(),
            refused: Family::default(),
            limited: Family::default(),
            open: Gauge::default(),
            opening: metrics.register(opening),
            closed: Family::default(),
            // 1 ms to 8 s.
            round_trip: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            links: metrics.register(|registry| LinkMetrics::register(registry, links)),
            input_bytes: direction("input"),
            output_bytes: direction("output"),
        };
        let Self { requests, visits, refused, limited, open, .. } = own.clone();
        let Self { closed, round_trip, .. } = own.clone();
        metrics.register(|registry| {
            registry.register("http_requests", "HTTP requests by route and status", requests);
            let help = "Requests with a link's token, by what the link says to them";
            registry.register("visits", help, visits);
            registry.register("http_refused", "Refused requests by reason", refused);
            registry.register("rate_limited", "Requests above a limit, by limit", limited);
            registry.register("terminals_open", "Open terminals", open);
            let help = "Closed terminals by close code and reason";
            registry.register("terminals_closed", help, closed);
            let help = "From a ping to a guest's browser until its answer";
            registry.register_with_unit("guest_round_trip", help, Unit::Seconds, round_trip);
            let help = "Terminal bytes that passed, by direction";
            registry.register_with_unit("terminal", help, Unit::Bytes, bytes.clone());
        });
        own.begin_at_zero();
        own
    }

    /// Makes the counters that alerts go by: of one that appears with its first event, `increase` never sees that event.
    fn begin_at_zero(&self) {
        self.limited.get_or_create_owned(&[("limit", Full::Process.category().to_owned())]);
        self.closed.get_or_create_owned(&closed_labels(CloseCode::Again, UNAVAILABLE));
    }

    pub(crate) fn answered(&self, route: &'static str, status: StatusCode) {
        let labels = [("route", route.to_owned()), ("status", status.as_str().to_owned())];
        self.requests.get_or_create_owned(&labels).inc();
    }

    /// A link admitted a request, or denied it.
    pub(crate) fn visited(&self, verdict: Result<(), Denial>) {
        let (class, reason) = match verdict {
            Ok(()) => ("admitted", "admitted"),
            Err(denial) => (denial.class().name(), denial.category()),
        };
        self.visits.get_or_create_owned(&[("class", class), ("reason", reason)]).inc();
    }

    pub(crate) fn refused(&self, error: &RequestError) {
        let reason = [("reason", error.category().to_owned())];
        self.refused.get_or_create_owned(&reason).inc();
        let limit = match error {
            RequestError::RateLimited(refused) => refused.limit.name(),
            RequestError::Full(full) => full.category(),
            _ => return,
        };
        self.limited.get_or_create_owned(&[("limit", limit.to_owned())]).inc();
    }

    /// Counts a terminal as open until the result is dropped.
    pub(crate) fn terminal(&self) -> OpenTerminal {
        self.open.inc();
        OpenTerminal(self.clone())
    }
}

/// The counter of Events that were not written.
pub(crate) fn events_lost(metrics: &Metrics) -> Counter {
    let lost = Counter::default();
    metrics.register(|registry| {
        registry.register("events_lost", "Events that were not written", lost.clone());
    });
    lost
}

/// One open terminal in the metrics.
#[derive(Debug)]
pub(crate) struct OpenTerminal(GatewayMetrics);

impl OpenTerminal {
    pub(crate) fn input(&self, bytes: u64) {
        self.0.input_bytes.inc_by(bytes);
    }

    pub(crate) fn output(&self, bytes: u64) {
        self.0.output_bytes.inc_by(bytes);
    }

    /// The guest's terminal is open, so long after it was asked for.
    pub(crate) fn opened(&self, after: Duration, request: &Span) {
        self.0.opening.observe(after, request);
    }

    /// The guest's browser answered a ping, so long after it.
    pub(crate) fn round_trip(&self, duration: Duration) {
        self.0.round_trip.observe(duration.as_secs_f64());
    }

    /// The terminal has ended, as its guest lost the right to it at `lost_at`.
    pub(crate) fn revoked(&self, lost_at: Instant) {
        self.0.links.revoked(lost_at);
    }

    /// `reason` is a word of ours.
    pub(crate) fn closed(&self, code: CloseCode, reason: &'static str) {
        self.0.closed.get_or_create_owned(&closed_labels(code, reason)).inc();
    }
}

fn closed_labels(code: CloseCode, reason: &'static str) -> [Label; 2] {
    [("code", u16::from(code).to_string()), ("reason", reason.to_owned())]
}

impl Drop for OpenTerminal {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_alerts_count_is_there_before_it_happens() {
        let metrics = Metrics::new("test");
        GatewayMetrics::new(&metrics, &Links::new());
        let text = metrics.encode().unwrap();
        for counter in [
            "kubeopencode_rate_limited_total{limit=\"terminals\"} 0",
            "kubeopencode_terminals_closed_total{code=\"1013\",reason=\"unavailable\"} 0",
        ] {
            assert!(text.contains(counter), "{counter} is not in {text}");
        }
    }
}
