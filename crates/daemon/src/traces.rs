//! Traces by OTLP over gRPC (<https://opentelemetry.io/docs/specs/otlp/>): spans of [`TARGET`], and
//! of them only the [`ATTRIBUTES`]. Without an endpoint nothing of it is set up, and a span is a
//! disabled callsite. It must not hold up the process: spans that no collector takes are dropped.

mod args;
mod context;
mod export;

use std::time::Duration;

use opentelemetry::{Key, trace::TracerProvider};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{BatchSpanProcessor, SdkTracerProvider},
};
use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::spawn_blocking,
};
use tonic::transport::{Certificate, ClientTlsConfig};
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, filter_fn},
};

pub use args::{Sampler, TracesArgs};
pub(crate) use context::trace_id;
pub use context::{adopt, inject};
pub use export::ATTRIBUTES;

/// The target of every span that is exported. No log line has it, and no library's span.
pub const TARGET: &str = "kubeopencode::trace";

/// A span that begins a trace, unless [`adopt`] makes it part of another. Fields are those of
/// `tracing::info_span!`.
#[macro_export]
macro_rules! root_span {
    ($($span:tt)*) => {
        tracing::info_span!(target: $crate::traces::TARGET, parent: None, $($span)*)
    };
}

/// A span below another one; disabled where that is.
#[macro_export]
macro_rules! child_span {
    ($parent:expr, $($span:tt)*) => {
        match &$parent {
            parent if parent.is_disabled() => tracing::Span::none(),
            parent => {
                let parent = parent.id();
                tracing::info_span!(target: $crate::traces::TARGET, parent: parent, $($span)*)
            }
        }
    };
}

/// How long the last spans may take to leave once the process's work has ended: with
/// [`SHUTDOWN_GRACE`](crate::SHUTDOWN_GRACE) less than what the kubelet waits.
const FLUSH_DEADLINE: Duration = Duration::from_secs(2);

/// What the SDK calls a service that nobody named.
const UNKNOWN_SERVICE: &str = "unknown_service";

/// Why there are no traces.
#[derive(Debug, thiserror::Error)]
pub enum TracesError {
    #[error("cannot read {}", file.display())]
    Certificate { file: std::path::PathBuf, source: std::io::Error },
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT, or a setting beside it, cannot be used")]
    Exporter(#[source] ExporterBuildError),
    #[error("cannot start the thread that exports traces")]
    Runtime(#[source] std::io::Error),
}

/// What records and exports the spans of one program.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    _background: Background,
}

/// One thread, on which the exporter speaks with the collector: the program's own serves keys. It is
/// given up, not waited for, where it is dropped: that is on the program's runtime.
#[derive(Debug)]
struct Background(Option<Runtime>);

impl Background {
    fn start() -> Result<(Self, Handle), TracesError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("traces")
            .enable_all()
            .build()
            .map_err(TracesError::Runtime)?;
        let handle = runtime.handle().clone();
        Ok((Self(Some(runtime)), handle))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Traces {
    /// Prepares to export the spans of `program`; `None` where no endpoint is set. Nothing is
    /// connected yet.
    pub fn new(program: &'static str, args: &TracesArgs) -> Result<Option<Self>, TracesError> {
        let Some(endpoint) = args.endpoint() else { return Ok(None) };
        let (background, runtime) = Background::start()?;
        let exporter = {
            let _entered = runtime.enter();
            exporter(endpoint, args)?
        };
        let exporter = export::Exporter::new(exporter, runtime);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(BatchSpanProcessor::builder(exporter).build())
            .with_sampler(args.sampler())
            .with_resource(resource(program))
            .build();
        Ok(Some(Self { provider, _background: background }))
    }

    /// What a subscriber records spans by.
    pub fn layer(&self) -> Box<dyn Layer<Registry> + Send + Sync> {
        let ours = filter_fn(|metadata| metadata.is_span() && metadata.target() == TARGET);
        tracing_opentelemetry::layer()
            .with_tracer(self.provider.tracer(env!("CARGO_PKG_NAME")))
            .with_context_activation(false)
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.with_max_level_hint(LevelFilter::INFO))
            .boxed()
    }

    /// Sends what waits, for a moment.
    pub async fn end(self) {
        let provider = self.provider.clone();
        // It blocks, and would wait for ever for a runtime that it holds up.
        let ended = spawn_blocking(move || provider.shutdown_with_timeout(FLUSH_DEADLINE));
        if let Ok(Err(error)) = ended.await {
            tracing::warn!(%error, "the last spans were not exported");
        }
    }
}

fn exporter(endpoint: &str, args: &TracesArgs) -> Result<SpanExporter, TracesError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
    let exporter = match &args.certificate {
        _ if !endpoint.starts_with("https:") => exporter,
        None => exporter.with_tls_config(ClientTlsConfig::new().with_native_roots()),
        Some(file) => {
            let pem = std::fs::read(file);
            let pem = pem.map_err(|source| TracesError::Certificate { file: file.clone(), source });
            let authority = Certificate::from_pem(pem?);
            exporter.with_tls_config(ClientTlsConfig::new().ca_certificate(authority))
        }
    };
    exporter.build().map_err(TracesError::Exporter)
}

/// As `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say, and by the program's name otherwise.
fn resource(program: &'static str) -> Resource {
    let said = Resource::builder().build();
    let name = said.get(&Key::from_static_str("service.name"));
    let is_named = name.is_some_and(|name| !name.as_str().starts_with(UNKNOWN_SERVICE));
    let resource = Resource::builder();
    if is_named { resource.build() } else { resource.with_service_name(program).build() }
}

#[cfg(test)]
mod tests;
