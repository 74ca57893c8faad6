//! When the certificates in use end, for who is to be told before. It judges nothing: a certificate
//! that has ended is refused by the peer.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Unit,
};
use rustls::pki_types::CertificateDer;
use x509_parser::parse_x509_certificate;

use super::Certificates;
use crate::Metrics;

/// The last seconds, since the Unix epoch. `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    /// Of the certificate that is shown.
    own: Option<i64>,
    /// Of the authority that is trusted; of several, the one that lasts longest.
    authority: Option<i64>,
}

impl Ends {
    /// The first of `chain` is the own certificate.
    pub(super) fn of(chain: &[CertificateDer<'_>], authorities: &[CertificateDer<'_>]) -> Self {
        let authority = authorities.iter().filter_map(end).max();
        Self { own: chain.first().and_then(end), authority }
    }
}

/// A certificate that cannot be read here may still be one that rustls can use.
fn end(certificate: &CertificateDer<'_>) -> Option<i64> {
    let (_, certificate) = parse_x509_certificate(certificate).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

impl Certificates {
    /// Reports from now on when the certificates end, those in use at the time of a scrape.
    pub fn report_ends(&self, metrics: &Metrics) {
        let ends = Box::new(ReportedEnds(self.clone()));
        metrics.register(|registry| registry.register_collector(ends));
    }
}

struct ReportedEnds(Certificates);

impl fmt::Debug for ReportedEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReportedEnds")
    }
}

impl Collector for ReportedEnds {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Ends { own, authority } = self.0.ends();
        let help = "When a certificate between our processes ends, since the Unix epoch.";
        let (name, unit) = ("certificate_end_time", Some(&Unit::Seconds));
        let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for (certificate, end) in [("own", own), ("authority", authority)] {
            let Some(end) = end else { continue };
            let label = [("certificate", certificate)];
            ConstGauge::new(end).encode(metric.encode_family(&label)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fixtures::Authority;

    use super::*;

    #[tokio::test]
    async fn the_end_that_is_reported_is_that_of_the_files_of_now() {
        let authority = Authority::generate();
        let folder = authority.folder("peer");
        let (certificates, mut reload) = Certificates::load(folder.path()).await.unwrap();
        let metrics = Metrics::new("test");
        certificates.report_ends(&metrics);
        let reported = |certificate, end: i64| {
            let label = format!("{{certificate=\"{certificate}\"}}");
            let line = format!("\nkubeopencode_certificate_end_time_seconds{label} {end}\n");
            let page = metrics.encode().unwrap();
            assert!(page.contains(&line), "{line} is not in\n{page}");
        };
        let default = rcgen_default_end();
        reported("own", default);
        reported("authority", default);

        let soon = time::macros::datetime!(2031-05-06 07:08:09 UTC);
        authority.renew_until(folder.path(), "peer", soon);
        reload.check().await;
        reported("own", soon.unix_timestamp());
        reported("authority", default);
    }

    /// rcgen's own.
    fn rcgen_default_end() -> i64 {
        time::macros::datetime!(4096-01-01 00:00 UTC).unix_timestamp()
    }
}
