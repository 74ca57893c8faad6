//! The metrics of one process, in the `OpenMetrics` text format
//! (<https://github.com/prometheus/OpenMetrics/blob/v1.0.0/specification/OpenMetrics.md>).

use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::{
    encoding::text,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
        info::Info,
    },
    registry::{Registry, Unit},
};

use crate::clock;

/// The content type of [`Metrics::encode`]'s text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of a process. Names carry no process prefix; scrapers add a job label.
#[derive(Clone, Debug)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    panics: Counter,
    connections: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Metrics {
    /// What every process tells of itself, `program` being its name.
    pub fn new(program: &'static str) -> Self {
        let mut registry = Registry::default();
        let build = [("program", program), ("version", env!("CARGO_PKG_VERSION"))];
        registry.register("build", "What runs here", Info::new(build));
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

        Self { registry: Arc::new(Mutex::new(registry)), panics, connections }
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

    /// Open connections of the listener with that name.
    pub fn connections(&self, listener: &'static str) -> Gauge {
        self.connections.get_or_create_owned(&[("listener", listener)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_says_what_it_is() {
        let page = Metrics::new("gateway").encode().unwrap();
        let build = format!(
            "build_info{{program=\"gateway\",version=\"{}\"}} 1",
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
        assert!(metrics.encode().unwrap().contains("visits_total 1"));
    }
}
