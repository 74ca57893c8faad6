//! What the programs say of themselves, for who looks through it: spans at a collector, and every line of their logs.

use std::{
    io,
    sync::{Arc, Mutex},
};

use daemon::{
    telemetry::sealed,
    traces::{Traces, TracesArgs},
};
use fixtures::Collector;
use tracing::subscriber::{DefaultGuard, set_default};
use tracing_subscriber::{Layer, filter::LevelFilter, fmt, layer::SubscriberExt, registry};

#[derive(Clone)]
pub(crate) struct Telemetry {
    args: TracesArgs,
    lines: Lines,
    /// The gateway believes what comes from this host.
    pub(crate) trusts_this_host: bool,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Telemetry {
    /// Every span goes to `collector`.
    pub(crate) fn to(collector: &Collector) -> Self {
        let otlp_endpoint = Some(format!("http://{}", collector.address));
        let args = TracesArgs { otlp_endpoint, ..TracesArgs::default() };
        Self { args, lines: Lines::default(), trusts_this_host: false }
    }

    /// Records what this thread does from now on, in the name of `program`.
    pub(crate) fn record(self, program: &'static str) -> Option<(Traces, DefaultGuard)> {
        let traces = Traces::new(program, &self.args).unwrap()?;
        let lines = self.lines;
        let logs = fmt::layer().with_ansi(false).with_writer(move || lines.clone());
        let logs = sealed(logs.with_filter(LevelFilter::TRACE)).boxed();
        let recording = set_default(registry().with(vec![logs, traces.layer()]));
        Some((traces, recording))
    }

    /// All lines so far, of every level.
    pub(crate) fn lines(&self) -> String {
        String::from_utf8(self.lines.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
