//! The spans of an opening: their names, and what is said of them. When one ends is its owner's
//! business, and the last is over with the first output: none is entered, so that what is polled
//! for every key is in none. Without traces each is disabled, and costs nothing.

use api_types::Target;
use daemon::{child_span, root_span, traces::adopt};
use http::HeaderMap;
use tracing::{Span, field::Empty};

use super::registry::SessionInfo;
use crate::closing::Refusal;

/// Of a gateway's call, as a part of the trace that it names.
pub(crate) fn attach(headers: &HeaderMap) -> Span {
    let span = root_span!(
        "kubeopencode.terminal.v1.TerminalBroker/Attach",
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.method = "kubeopencode.terminal.v1.TerminalBroker/Attach",
        k8s.namespace.name = Empty,
        kubeopencode.agent.name = Empty,
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    );
    adopt(&span, headers);
    span
}

/// The same, of a wish that an agent wakes.
pub(crate) fn wake(headers: &HeaderMap) -> Span {
    let span = root_span!(
        "kubeopencode.terminal.v1.TerminalBroker/Wake",
        otel.kind = "server",
        rpc.system = "grpc",
        rpc.method = "kubeopencode.terminal.v1.TerminalBroker/Wake",
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    );
    adopt(&span, headers);
    span
}

/// Whether the visitor may, and whether there is a place: what a moment of patience is part of.
pub(super) fn verdict(call: &Span) -> Span {
    child_span!(call, "verdict", kubeopencode.outcome = Empty)
}

/// What became of the verdict. A denial is no error: it is what was asked for.
pub(super) fn judged<T>(verdict: &Span, judged: &Result<T, Refusal>) {
    let outcome = judged.as_ref().map_or_else(|refusal| refusal.category(), |_| "admitted");
    verdict.record("kubeopencode.outcome", outcome);
}

/// Whose agent it is.
pub(super) fn admitted(call: &Span, session: &SessionInfo) {
    call.record("k8s.namespace.name", session.agent.namespace.as_str());
    call.record("kubeopencode.agent.name", session.agent.name.as_str());
}

/// The questions to the API server.
pub(super) fn find_pod(call: &Span) -> Span {
    child_span!(
        call,
        "find pod",
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
        k8s.pod.name = Empty,
    )
}

pub(super) fn found(find_pod: &Span, target: &Target) {
    find_pod.record("k8s.pod.name", target.pod.as_str());
}

/// Until the API server says that the screen's program runs.
pub(super) fn exec(call: &Span, target: &Target) -> Span {
    child_span!(
        call,
        "exec",
        otel.kind = "client",
        k8s.namespace.name = target.namespace.as_str(),
        k8s.pod.name = target.pod.as_str(),
        k8s.container.name = api_types::names::SERVER_CONTAINER,
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// It came to nothing, for a reason in a word of ours.
pub(crate) fn failed(span: &Span, outcome: &'static str) {
    span.record("kubeopencode.outcome", outcome);
    span.record("otel.status_code", "ERROR");
}

/// The call from the open exec to the screen's first output: dropped with it, or with a session that
/// ends before.
#[derive(Debug)]
pub(crate) struct FirstOutput {
    _waiting: Span,
    _call: Span,
}

impl FirstOutput {
    pub(crate) fn of(call: Span) -> Self {
        Self { _waiting: child_span!(call, "first output"), _call: call }
    }
}
