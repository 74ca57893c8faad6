//! Logs on stdout, as text or JSON, and what records traces beside them. It must not let a library print what passes
//! over its wire: request lines and headers carry tokens.

use std::{io, io::IsTerminal, net::SocketAddr};

use clap::ValueEnum;
use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, Layer, Registry, filter::filter_fn, fmt, layer::SubscriberExt,
    util::SubscriberInitExt,
};

use crate::{
    DaemonError,
    traces::{TARGET, Traces, TracesArgs},
};

/// How a process tells what it does.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Telemetry")]
pub struct TelemetryArgs {
    /// How log lines are written to standard output
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// Which log lines are written: a level (error, warn, info, debug), or
    /// a list such as "info,share=debug" that sets it for a module
    #[arg(long, env = "LOG_LEVEL", value_name = "FILTER", default_value = "info")]
    pub log_level: String,

    /// Where /livez, /readyz and /metrics are served
    #[arg(long, env = "METRICS_ADDRESS", value_name = "IP:PORT", default_value = "0.0.0.0:9090")]
    pub metrics_address: SocketAddr,

    #[command(flatten)]
    pub traces: TracesArgs,
}

/// The shape of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people; coloured on a terminal only.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// Sends tracing's events to stdout, and the spans of `program` to a collector if there is one.
/// Works once per process.
pub(crate) fn init_telemetry(
    program: &'static str,
    args: &TelemetryArgs,
) -> Result<Option<Traces>, DaemonError> {
    let filter = EnvFilter::try_new(&args.log_level).map_err(DaemonError::LogLevel)?;
    let log_lines = log_layer(args.log_format).with_filter(filter);
    let traces = Traces::new(program, &args.traces)?;

    let mut layers = vec![sealed(log_lines).boxed()];
    layers.extend(traces.as_ref().map(Traces::layer));
    tracing_subscriber::registry().with(layers).try_init().map_err(DaemonError::LogsTwice)?;
    // Those who log by `log` are all sealed, and say something for every record and frame that
    // passes: a seventh of a broker's time went into dropping it, line by line.
    log::set_max_level(log::LevelFilter::Info);
    Ok(traces)
}

fn log_layer(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    match format {
        LogFormat::Text => fmt::layer().with_ansi(io::stdout().is_terminal()).boxed(),
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_ansi(false).boxed(),
    }
}

/// Libraries that print requests, headers or bodies at finer levels than `info`.
const WIRE_LIBRARIES: [&str; 9] = [
    "h2",
    "hyper",
    "hyper_util",
    "kube_client",
    "rustls",
    "tokio_tungstenite",
    "tonic",
    "tower_http",
    "tungstenite",
];

/// Prints, as a warning, the whole of a body that it cannot decode: of a list of Secrets that would
/// be every token. What it returns says the same without the body.
const BODY_PRINTER: &str = "kube_client::client";

/// Holds for whatever filter the operator sets, so `trace` leaks no token either.
pub fn sealed(layer: impl Layer<Registry>) -> impl Layer<Registry> {
    layer.with_filter(filter_fn(may_be_logged))
}

fn may_be_logged(line: &Metadata<'_>) -> bool {
    // Only the exporter of traces asks for them: without one they are never made.
    if line.target() == TARGET {
        return false;
    }
    let library = line.target().split("::").next().unwrap_or_default();
    let finest = if line.target() == BODY_PRINTER { Level::ERROR } else { Level::INFO };
    *line.level() <= finest || !WIRE_LIBRARIES.contains(&library)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use clap::Parser;
    use tracing_subscriber::layer::Context;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        telemetry: TelemetryArgs,
    }

    #[test]
    fn a_bad_filter_is_refused_before_anything_starts() {
        let args = Program::parse_from(["program", "--log-level", "share=loud"]).telemetry;
        assert!(matches!(init_telemetry("test", &args), Err(DaemonError::LogLevel(_))));
    }

    #[test]
    fn the_probes_are_served_on_every_address_unless_told_otherwise() {
        let args = Program::parse_from(["program"]).telemetry;
        assert_eq!(args.metrics_address, "0.0.0.0:9090".parse().unwrap());
    }

    #[derive(Default)]
    struct Logged(Arc<Mutex<Vec<String>>>);

    impl Layer<Registry> for Logged {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, Registry>) {
            self.0.lock().unwrap().push(event.metadata().target().to_owned());
        }
    }

    #[test]
    fn no_filter_shows_what_passes_over_the_wire() {
        let everything = Logged::default();
        let logged = Arc::clone(&everything.0);
        let subscriber = tracing_subscriber::registry().with(sealed(everything));

        tracing::subscriber::with_default(subscriber, || {
            tracing::trace!(target: "h2::codec::framed_read", "GET /s/token");
            tracing::debug!(target: "kube_client::client", "a Secret");
            tracing::warn!(target: "kube_client::client", "a list of Secrets");
            tracing::warn!(target: "kube_client::client::tls", "a certificate");
            tracing::info!(target: "hyper", "a connection");
            tracing::trace!(target: "share::watch", "our own");
        });
        assert_eq!(*logged.lock().unwrap(), ["kube_client::client::tls", "hyper", "share::watch"]);
    }
}
