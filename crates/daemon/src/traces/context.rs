//! A trace that goes on in another process: W3C trace context (<https://www.w3.org/TR/trace-context/>)
//! in the headers of a call. Whose headers are believed is the caller's to decide.

use http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
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

/// Makes `span`, which has no child yet, a part of the trace that `headers` tell of, if they do.
pub fn adopt(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    // An error says that the span is in a trace already: it stays there.
    let _ = span.set_parent(context);
}
