//! What the gateway counts. No label holds a token, a path, an agent or a client.

use daemon::Metrics;
use http::StatusCode;
use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Unit,
};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::error::RequestError;

type Label = (&'static str, String);

/// A clone counts the same things.
#[derive(Clone, Debug)]
pub(crate) struct GatewayMetrics {
    requests: Family<[Label; 2], Counter>,
    refused: Family<[Label; 1], Counter>,
    limited: Family<[Label; 1], Counter>,
    open: Gauge,
    closed: Family<[Label; 1], Counter>,
    input_bytes: Counter,
    output_bytes: Counter,
}

impl GatewayMetrics {
    /// Registers them with the process.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let bytes: Family<[(&str, &str); 1], Counter> = Family::default();
        let direction = |name| bytes.get_or_create_owned(&[("direction", name)]);
        let own = Self {
            requests: Family::default(),
            refused: Family::default(),
            limited: Family::default(),
            open: Gauge::default(),
            closed: Family::default(),
            input_bytes: direction("input"),
            output_bytes: direction("output"),
        };
        let Self { requests, refused, limited, open, closed, .. } = own.clone();
        metrics.register(|registry| {
            registry.register("http_requests", "HTTP requests by route and status", requests);
            registry.register("http_refused", "Refused requests by reason", refused);
            registry.register("rate_limited", "Requests above a limit, by limit", limited);
            registry.register("terminals_open", "Open terminals", open);
            registry.register("terminals_closed", "Closed terminals by close code", closed);
            let help = "Terminal bytes that passed";
            registry.register_with_unit("terminal", help, Unit::Bytes, bytes.clone());
        });
        own
    }

    pub(crate) fn answered(&self, route: &'static str, status: StatusCode) {
        let labels = [("route", route.to_owned()), ("status", status.as_str().to_owned())];
        self.requests.get_or_create_owned(&labels).inc();
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
        registry.register("events_lost", "Events not written", lost.clone());
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

    pub(crate) fn closed(&self, code: CloseCode) {
        let code = [("code", u16::from(code).to_string())];
        self.0.closed.get_or_create_owned(&code).inc();
    }
}

impl Drop for OpenTerminal {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}
