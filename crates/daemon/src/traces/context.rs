//! A trace that goes on in another process: W3C trace context (<https://www.w3.org/TR/trace-context/>)
//! in the headers of a call. Whose headers are believed is the caller's to decide. And which trace a metric
//! may point at.

use http::HeaderMap;
use opentelemetry::{propagation::TextMapPropagator, trace::TraceContextExt};
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// Says in `headers` that what they ask for belongs to `span`. A disabled span says nothing.
pub fn inject(span: &Span, headers: &mut HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let context = span.context();
    TraceContextPropagator::new().inject_context(&context, &mut HeaderInjector(headers));
}

/// The trace that `span` is recorded in, as 32 hexadecimal digits; `None` where it is not.
pub(crate) fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span().span_context().clone();
    span.is_sampled().then(|| span.trace_id().to_string())
}

/// Makes `span`, which has no child yet, a part of the trace that `headers` tell of, if they do.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // An error says that the span is in a trace already: it stays there.
    let _ = span.set_parent(context);
}
