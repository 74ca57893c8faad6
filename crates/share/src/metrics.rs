//! What a process that serves visits tells of its links, and of the watch that feeds them. No label
//! names a link, an agent or a client.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{
        MetricType,
        gauge::ConstGauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use crate::watch::Links;

/// The metrics of links. A clone counts the same.
#[derive(Clone, Debug)]
pub struct LinkMetrics {
    revocation: Histogram,
}

impl LinkMetrics {
    pub fn register(registry: &mut Registry, links: &Links) -> Self {
        let reported = ReportedLinks { links: links.clone(), since: Instant::now() };
        registry.register_collector(Box::new(reported));
        // 100 µs to 6.5 s.
        let revocation = Histogram::new(exponential_buckets(0.000_1, 4.0, 9));
        let help = "From the end of a visitor's right to the end of the terminal, as this process saw both";
        registry.register_with_unit("revocation", help, Unit::Seconds, revocation.clone());
        Self { revocation }
    }

    /// A terminal has ended now whose visitor lost the right to it at `lost_at`.
    pub fn revoked(&self, lost_at: Instant) {
        self.revocation.observe(lost_at.elapsed().as_secs_f64());
    }
}

/// The links at the time of a scrape.
struct ReportedLinks {
    links: Links,
    /// When the process began to report.
    since: Instant,
}

impl fmt::Debug for ReportedLinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportedLinks")
    }
}

impl Collector for ReportedLinks {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let count = i64::try_from(self.links.count()).unwrap_or(i64::MAX);
        // A registry adds the full stop, and a collector does not.
        let help = "Links that are turned on.";
        let metric = encoder.encode_descriptor("links", help, None, MetricType::Gauge)?;
        ConstGauge::new(count).encode(metric)?;

        let broken = self.links.broken_for(self.since).as_secs_f64();
        let help = "For how long the watch of Agents has not worked; 0 while it does.";
        let (name, unit) = ("watch_broken", Some(&Unit::Seconds));
        let metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        ConstGauge::new(broken).encode(metric)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fixtures::demo;
    use prometheus_client::encoding::text;

    use super::*;

    fn page(registry: &Registry) -> String {
        let mut page = String::new();
        text::encode(&mut page, registry).unwrap();
        page
    }

    #[tokio::test(start_paused = true)]
    async fn a_watch_that_does_not_work_is_told_from_its_first_second() {
        let (mut registry, links) = (Registry::default(), Links::new());
        LinkMetrics::register(&mut registry, &links);
        tokio::time::advance(Duration::from_secs(3)).await;
        assert!(page(&registry).contains("\nwatch_broken_seconds 3.0\n"), "it never worked");
        links.apply(&demo());
        links.replace(None, crate::ShareIndex::default());
        assert!(page(&registry).contains("\nwatch_broken_seconds 0.0\n"));
        links.apply(&demo());
        links.broke(None, Instant::now());
        tokio::time::advance(Duration::from_secs(7)).await;
        let page = page(&registry);
        assert!(page.contains("\nwatch_broken_seconds 7.0\n"), "{page}");
        assert!(page.contains("\nlinks 1\n"), "{page}");
    }
}
