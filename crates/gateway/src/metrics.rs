//! What the gateway counts. No label holds a token, a path, an agent or a client.

use daemon::Metrics;
use http::StatusCode;
use prometheus_client::metrics::{counter::Counter, family::Family, gauge::Gauge};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::{error::RequestError, limits::Limit};

type Label = (&'static str, String);

/// A clone counts the same things.
#[derive(Clone, Debug, Default)]
pub(crate) struct GatewayMetrics {
    requests: Family<[Label; 2], Counter>,
    denied: Family<[Label; 1], Counter>,
    limited: Family<[Label; 1], Counter>,
    open: Gauge,
    closes: Family<[Label; 1], Counter>,
    input_bytes: Counter,
    output_bytes: Counter,
}

impl GatewayMetrics {
    /// Registers them with the process.
    pub(crate) fn new(metrics: &Metrics) -> Self {
        let own = Self::default();
        metrics.register(|registry| {
            let Self { requests, denied, limited, open, closes, input_bytes, output_bytes } =
                own.clone();
            registry.register("requests", "HTTP requests by route and status", requests);
            registry.register("denied", "Refused requests by reason", denied);
            registry.register("rate_limited", "Requests above a limit, by limit", limited);
            registry.register("sessions_open", "Open terminals", open);
            registry.register("session_closes", "Ended terminals by close code", closes);
            registry.register("terminal_input_bytes", "Bytes typed into terminals", input_bytes);
            registry.register("terminal_output_bytes", "Bytes shown to viewers", output_bytes);
        });
        own
    }

    pub(crate) fn answered(&self, route: &'static str, status: StatusCode) {
        let labels = [("route", route.to_owned()), ("status", status.as_str().to_owned())];
        self.requests.get_or_create_owned(&labels).inc();
    }

    pub(crate) fn refused(&self, error: &RequestError) {
        let reason = [("reason", error.category().to_owned())];
        self.denied.get_or_create_owned(&reason).inc();
        if let RequestError::RateLimited(refused) | RequestError::TooManyTerminals(refused) = error
        {
            self.limited(refused.limit);
        }
    }

    fn limited(&self, limit: Limit) {
        self.limited.get_or_create_owned(&[("limit", limit.name().to_owned())]).inc();
    }

    /// Counts a session as open until the result is dropped.
    pub(crate) fn session(&self) -> OpenSession {
        self.open.inc();
        OpenSession(self.clone())
    }
}

/// One open session in the metrics.
#[derive(Debug)]
pub(crate) struct OpenSession(GatewayMetrics);

impl OpenSession {
    pub(crate) fn typed(&self, bytes: u64) {
        self.0.input_bytes.inc_by(bytes);
    }

    pub(crate) fn shown(&self, bytes: u64) {
        self.0.output_bytes.inc_by(bytes);
    }

    pub(crate) fn closed(&self, code: CloseCode) {
        let code = [("code", u16::from(code).to_string())];
        self.0.closes.get_or_create_owned(&code).inc();
    }
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}
