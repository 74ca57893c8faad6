//! The spans of a reconcile: their names, and what is said of them. Only what is written to the API
//! server has one of its own: where nothing differs there is nothing to wait for. Without traces each
//! is disabled, and costs nothing.

use daemon::{child_span, root_span};
use kube::core::ObjectMeta;
use tracing::{Span, field::Empty};

/// Of one reconcile of the agent that `agent` identifies. What it does is done inside.
pub(crate) fn reconcile(agent: &ObjectMeta) -> Span {
    root_span!(
        "reconcile",
        k8s.namespace.name = agent.namespace.as_deref().unwrap_or_default(),
        kubeopencode.agent.name = agent.name.as_deref().unwrap_or_default(),
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// Applies an object of the agent's.
pub(crate) fn apply(kind: &str, name: &str) -> Span {
    child_span!(
        Span::current(),
        "apply",
        otel.kind = "client",
        kubeopencode.object.kind = kind,
        kubeopencode.object.name = name,
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// Deletes one that is not desired any more.
pub(crate) fn delete(kind: &str, name: &str) -> Span {
    child_span!(
        Span::current(),
        "delete",
        otel.kind = "client",
        kubeopencode.object.kind = kind,
        kubeopencode.object.name = name,
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// Publishes the status of an Agent or a template.
pub(crate) fn publish(kind: &str, name: &str) -> Span {
    child_span!(
        Span::current(),
        "publish status",
        otel.kind = "client",
        kubeopencode.object.kind = kind,
        kubeopencode.object.name = name,
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// It came to nothing, for a reason in a word of ours.
pub(crate) fn failed(span: &Span, outcome: &'static str) {
    span.record("kubeopencode.outcome", outcome);
    span.record("otel.status_code", "ERROR");
}

/// What the API server answered, if it did not do what it was asked to.
pub(crate) fn answered<T>(span: &Span, answer: &Result<T, kube::Error>) {
    match answer {
        Ok(_) => {}
        Err(kube::Error::Api(_)) => failed(span, "refused"),
        Err(_) => failed(span, "unreachable"),
    }
}
