//! The last step before a span leaves: what is not on the list stays here, and a collector that
//! fails is reported once. It repeats nothing: the exporter inside does.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use opentelemetry::trace::Status;
use opentelemetry_sdk::{
    Resource,
    error::{OTelSdkError, OTelSdkResult},
    trace::{SpanData, SpanEvents, SpanExporter, SpanLinks},
};
use tokio::{runtime::Handle, time::timeout};

/// All that is ever said of a span beyond its name and times. Names of objects, words and numbers
/// of our own code; never a path, a header, an address of a visitor, or what anybody typed.
/// docs/guides/tracing.md says what each means.
pub const ATTRIBUTES: [&str; 15] = [
    "http.request.method",
    "http.response.status_code",
    "http.route",
    "k8s.container.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "kubeopencode.agent.name",
    "kubeopencode.link",
    "kubeopencode.object.kind",
    "kubeopencode.object.name",
    "kubeopencode.outcome",
    "rpc.method",
    "rpc.system",
    "server.address",
    "server.port",
];

/// The longest that one batch may take, its repetitions included.
const BATCH_DEADLINE: Duration = Duration::from_secs(15);

/// Exports by `inner`, on a runtime that nobody blocks.
#[derive(Debug)]
pub(super) struct Exporter<E> {
    inner: Arc<E>,
    runtime: Handle,
    /// Spans that were dropped since the collector last took some.
    lost: AtomicU64,
}

impl<E> Exporter<E> {
    pub(super) fn new(inner: E, runtime: Handle) -> Self {
        Self { inner: Arc::new(inner), runtime, lost: AtomicU64::new(0) }
    }

    pub(super) fn report(&self, spans: u64, result: &OTelSdkResult) {
        match result {
            Ok(()) => {
                let lost = self.lost.swap(0, Relaxed);
                if lost > 0 {
                    tracing::info!(lost, "spans are exported again");
                }
            }
            Err(error) => {
                if self.lost.fetch_add(spans, Relaxed) == 0 {
                    tracing::warn!(
                        %error,
                        "spans cannot be exported, and are dropped until they can"
                    );
                }
            }
        }
    }
}

impl<E: SpanExporter + 'static> SpanExporter for Exporter<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len() as u64;
        let batch = batch.into_iter().map(allowed).collect();
        let inner = Arc::clone(&self.inner);
        let sending = async move { timeout(BATCH_DEADLINE, inner.export(batch)).await };
        let result = match self.runtime.spawn(sending).await {
            Ok(Ok(result)) => result,
            Ok(Err(_late)) => Err(OTelSdkError::Timeout(BATCH_DEADLINE)),
            Err(ended) => Err(OTelSdkError::InternalFailure(ended.to_string())),
        };
        self.report(spans, &result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    /// Comes before the first batch, so nobody else has the exporter.
    fn set_resource(&mut self, resource: &Resource) {
        if let Some(inner) = Arc::get_mut(&mut self.inner) {
            inner.set_resource(resource);
        }
    }
}

/// What of a span may leave. No event and no error's text is any of our doing.
fn allowed(mut span: SpanData) -> SpanData {
    span.attributes.retain(|attribute| ATTRIBUTES.contains(&attribute.key.as_str()));
    span.events = SpanEvents::default();
    span.links = SpanLinks::default();
    if let Status::Error { .. } = span.status {
        span.status = Status::error("");
    }
    span
}
