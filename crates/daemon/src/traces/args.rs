//! The settings of traces, by the names that OpenTelemetry gives them. The SDK itself reads what is
//! not here: `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_…`, and of the exporter its
//! headers, timeout and compression.
#![allow(clippy::doc_markdown, reason = "clap shows these comments as they are")]

use std::path::PathBuf;

use clap::ValueEnum;
use http::Uri;
use opentelemetry_sdk::trace::Sampler as SdkSampler;

/// Where spans go, and how many. Without an endpoint none is made.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct TracesArgs {
    /// The collector that spans are sent to by OTLP over gRPC, such as
    /// http://collector.monitoring:4317. Without one nothing is traced
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT", value_name = "URL", value_parser = endpoint)]
    pub otlp_endpoint: Option<String>,

    /// The same for spans alone, where it is another one
    #[arg(long, env = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", value_name = "URL",
        value_parser = endpoint)]
    pub otlp_traces_endpoint: Option<String>,

    /// PEM file with the certificates that a collector at an https:// endpoint may
    /// be signed by, in place of the system's
    #[arg(long = "otlp-certificate", env = "OTEL_EXPORTER_OTLP_CERTIFICATE", value_name = "FILE")]
    pub certificate: Option<PathBuf>,

    /// Which visits and reconciles are traced
    #[arg(
        long = "traces-sampler",
        env = "OTEL_TRACES_SAMPLER",
        value_enum,
        value_name = "NAME",
        default_value_t
    )]
    pub sampler_kind: Sampler,

    /// The share of them, from 0 to 1, where the sampler goes by a ratio
    #[arg(long = "traces-sampler-arg", env = "OTEL_TRACES_SAMPLER_ARG", value_name = "RATIO",
        value_parser = ratio, default_value_t = 1.0)]
    pub ratio: f64,
}

/// The samplers of the OpenTelemetry specification. Those that are parent-based do at the broker
/// what the gateway decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Sampler {
    AlwaysOn,
    AlwaysOff,
    Traceidratio,
    #[default]
    ParentbasedAlwaysOn,
    ParentbasedAlwaysOff,
    ParentbasedTraceidratio,
}

impl TracesArgs {
    /// The endpoint of spans, if there is one.
    pub(super) fn endpoint(&self) -> Option<&str> {
        let endpoints = [&self.otlp_traces_endpoint, &self.otlp_endpoint];
        endpoints.into_iter().flatten().map(String::as_str).find(|url| !url.is_empty())
    }

    pub(super) fn sampler(&self) -> SdkSampler {
        let by_ratio = SdkSampler::TraceIdRatioBased(self.ratio);
        match self.sampler_kind {
            Sampler::AlwaysOn => SdkSampler::AlwaysOn,
            Sampler::AlwaysOff => SdkSampler::AlwaysOff,
            Sampler::Traceidratio => by_ratio,
            Sampler::ParentbasedAlwaysOn => SdkSampler::ParentBased(Box::new(SdkSampler::AlwaysOn)),
            Sampler::ParentbasedAlwaysOff => {
                SdkSampler::ParentBased(Box::new(SdkSampler::AlwaysOff))
            }
            Sampler::ParentbasedTraceidratio => SdkSampler::ParentBased(Box::new(by_ratio)),
        }
    }
}

/// Empty is as good as not set (the specification says so).
fn endpoint(url: &str) -> Result<String, String> {
    let is_url = || {
        let uri: Uri = url.parse().ok()?;
        let scheme = uri.scheme_str()?;
        Some((scheme == "http" || scheme == "https") && uri.host().is_some())
    };
    if url.is_empty() || is_url() == Some(true) {
        return Ok(url.to_owned());
    }
    Err("it must be http:// or https:// with a host, such as http://collector:4317".to_owned())
}

fn ratio(text: &str) -> Result<f64, String> {
    let ratio = text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        traces: TracesArgs,
    }

    fn parse(flags: &[&str]) -> Result<TracesArgs, String> {
        let parsed = Program::try_parse_from(["program"].iter().chain(flags));
        parsed.map(|program| program.traces).map_err(|error| error.to_string())
    }

    #[test]
    fn the_endpoint_of_traces_goes_before_that_of_everything() {
        let general = "--otlp-endpoint=http://collector:4317";
        let own = "--otlp-traces-endpoint=https://traces.example.com";
        assert_eq!(parse(&[]).unwrap().endpoint(), None);
        assert_eq!(
            parse(&["--otlp-endpoint="]).unwrap().endpoint(),
            None,
            "as the standard has it"
        );
        assert_eq!(parse(&[general]).unwrap().endpoint(), Some("http://collector:4317"));
        let both = parse(&[general, own]).unwrap();
        assert_eq!(both.endpoint(), Some("https://traces.example.com"));
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_name() {
        let cases = [
            ("--otlp-endpoint=collector:4317", "http://collector:4317"),
            ("--otlp-endpoint=ftp://collector", "http://collector:4317"),
            ("--traces-sampler=sometimes", "parentbased_traceidratio"),
            ("--traces-sampler-arg=1.5", "from 0 to 1"),
            ("--traces-sampler-arg=NaN", "from 0 to 1"),
        ];
        for (flag, way_out) in cases {
            let error = parse(&[flag]).unwrap_err();
            assert!(error.contains(way_out), "{flag}: {error}");
        }
    }
}
