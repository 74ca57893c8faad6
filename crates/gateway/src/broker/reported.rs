//! What the gateway knows of the brokers at the time of a scrape. Nothing is looked up for it: before
//! the first terminal there are none.

use std::{fmt, sync::Arc};

use daemon::Metrics;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
};

use super::{Broker, pool::Pool};

impl Broker {
    /// Reports from now on which replicas there are, and when the certificates for them end.
    pub fn report(&self, metrics: &Metrics) {
        let reported = Box::new(ReportedReplicas(Arc::clone(&self.pool)));
        metrics.register(|registry| registry.register_collector(reported));
        if let Some(certificates) = &self.certificates {
            certificates.report_ends(metrics);
        }
    }
}

struct ReportedReplicas(Arc<Pool>);

impl fmt::Debug for ReportedReplicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportedReplicas")
    }
}

impl Collector for ReportedReplicas {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (working, failing) = self.0.replicas();
        let help = "Terminal brokers that this gateway knows of, by state.";
        let mut metric = encoder.encode_descriptor("brokers", help, None, MetricType::Gauge)?;
        for (state, count) in [("working", working), ("failing", failing)] {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            ConstGauge::new(count).encode(metric.encode_family(&[("state", state)])?)?;
        }
        Ok(())
    }
}
