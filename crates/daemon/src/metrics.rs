//! The metrics of one process, in the `OpenMetrics` text format
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>). It
//! knows no component's metrics: each registers its own.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use prometheus_client::{
    encoding::text,
    metrics::{
        counter::Counter,
        exemplar::HistogramWithExemplars,
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::{Histogram, exponential_buckets},
        info::Info,
    },
    registry::{Registry, Unit},
};
use tracing::Span;

use crate::{clock, traces};

/// The content type of [`Metrics::encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What every name begins with, an underscore following.
const PREFIX: &str = "kubeopencode";

/// All metrics of a process. Each name begins with `kubeopencode_`, so components register
/// theirs without it; the program is a label of `kubeopencode_build_info`.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    panics: Counter,
    connections: Family<Listener, Gauge>,
    evictions: Family<Listener, Counter>,
    api_requests: ApiRequests,
}

type Listener = [(&'static str, &'static str); 1];

impl Metrics {
    /// What every process reports of itself, `program` being its name.
    pub fn new(program: &'static str) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let build = [("program", program), ("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "The program and its version", Info::new(build));
        registry.register_with_unit(
            "process_start_time",
            "When the process started, since the Unix epoch",
            Unit::Seconds,
            ConstGauge::new(clock::now().unix_timestamp()),
        );

        let panics = Counter::default();
        registry.register("panics", "Tasks that ended by a panic: defects", panics.clone());
        let connections = Family::default();
        registry.register("connections", "Open connections of a listener", connections.clone());
        let evictions = Family::default();
        let help = "Connections of a listener that were closed to make room for others";
        registry.register("connections_evicted", help, evictions.clone());

        let api_requests = ApiRequests::register(&mut registry);

        let registry = Arc::new(Mutex::new(registry));
        Self { registry, panics, connections, evictions, api_requests }
    }

    /// Adds a component's own metrics.
    pub fn register<T>(&self, add: impl FnOnce(&mut Registry) -> T) -> T {
        add(&mut self.registry.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything, as text.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        self.register(|registry| text::encode(&mut page, registry))?;
        Ok(page)
    }

    /// Tasks that panicked.
    pub fn panics(&self) -> Counter {
        self.panics.clone()
    }

    /// What clients of the API server count.
    pub fn api_requests(&self) -> ApiRequests {
        self.api_requests.clone()
    }

    /// The metrics of the listener with that name.
    pub fn listener(&self, name: &'static str) -> ListenerMetrics {
        let label = [("listener", name)];
        let open = self.connections.get_or_create_owned(&label);
        ListenerMetrics { open, evictions: self.evictions.get_or_create_owned(&label) }
    }
}

/// Requests to the API server. A clone counts the same ones.
#[derive(Clone, Debug)]
pub struct ApiRequests {
    outcomes: Family<[(&'static str, &'static str); 2], Counter>,
    durations: Family<[(&'static str, &'static str); 1], Histogram>,
}

impl ApiRequests {
    fn register(registry: &mut Registry) -> Self {
        // 5 ms to 82 s, which is above a client's patience.
        let histogram = || Histogram::new(exponential_buckets(0.005, 4.0, 8));
        let (outcomes, durations) =
            (Family::default(), Family::new_with_constructor(histogram as fn() -> _));
        let own = Self { outcomes, durations };
        let Self { outcomes, durations } = own.clone();
        let help = "Requests to the API server, by verb and outcome";
        registry.register("api_requests", help, outcomes);
        let help = "From a request to the API server until its answer begins, by verb";
        registry.register_with_unit("api_request", help, Unit::Seconds, durations);
        own
    }

    /// A request was answered, or given up, after `duration`. Both labels are words of a program.
    pub fn answered(&self, verb: &'static str, outcome: &'static str, duration: Duration) {
        self.outcomes.get_or_create_owned(&[("verb", verb), ("outcome", outcome)]).inc();
        self.durations.get_or_create(&[("verb", verb)]).observe(duration.as_secs_f64());
    }
}

/// How long something takes. Each bucket tells of a trace in which it took as long, where that is
/// recorded: an exemplar. A clone counts the same.
#[derive(Clone, Debug)]
pub struct TracedTimes(HistogramWithExemplars<[(&'static str, String); 1]>);

impl TracedTimes {
    /// Registers it, in seconds and with these bounds of its buckets.
    pub fn register(
        registry: &mut Registry,
        name: &str,
        help: &str,
        buckets: impl Iterator<Item = f64>,
    ) -> Self {
        let times = HistogramWithExemplars::new(buckets);
        registry.register_with_unit(name, help, Unit::Seconds, times.clone());
        Self(times)
    }

    /// It took `duration`, of which `span` is or was a part.
    pub fn observe(&self, duration: Duration, span: &Span) {
        let exemplar = traces::trace_id(span).map(|id| [("trace_id", id)]);
        self.0.observe(duration.as_secs_f64(), exemplar, None);
    }
}

/// The metrics of one listener.
#[derive(Clone, Debug, Default)]
pub struct ListenerMetrics {
    /// Open connections.
    pub open: Gauge,
    /// Connections that were closed to make room for others.
    pub evictions: Counter,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_what_it_is() {
        let page = Metrics::new("gateway").encode().unwrap();
        let build = format!(
            "kubeopencode_build_info{{program=\"gateway\",version=\"{}\"}} 1",
            env!("CARGO_PKG_VERSION")
        );
        assert!(page.contains(&build), "{page}");
    }

    #[test]
    fn components_add_their_own() {
        let metrics = Metrics::new("gateway");
        let visits: Counter = Counter::default();
        metrics.register(|registry| registry.register("visits", "Visits", visits.clone()));
        visits.inc();
        assert!(metrics.encode().unwrap().contains("\nkubeopencode_visits_total 1\n"));
    }

    #[test]
    fn every_name_begins_with_the_products() {
        let metrics = Metrics::new("gateway");
        metrics.listener("share").evictions.inc();
        let page = metrics.encode().unwrap();
        let foreign = |line: &&str| !line.starts_with('#') && !line.starts_with("kubeopencode_");
        assert_eq!(page.lines().find(foreign), None);
    }
}
