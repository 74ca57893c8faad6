//! The spans of a visit: their names, and what is said of them. When one ends is its owner's
//! business, and the last is over with the first output: none is entered, so that what is polled
//! for every key is in none. Without traces each is disabled, and costs nothing.

use std::net::SocketAddr;

use daemon::{child_span, root_span, traces::TARGET};
use http::StatusCode;
use share::{Visitor, audit::link_id};
use tonic::Code;
use tracing::{Level, Span, field::Empty};

use crate::{error::RequestError, router::Route};

/// Whether anybody listens.
pub(crate) fn are_recorded() -> bool {
    tracing::span_enabled!(target: TARGET, Level::INFO)
}

/// Of a request for something that takes a while; disabled for every other.
pub(crate) fn request(route: &Route) -> Span {
    match route {
        Route::Terminal(_) => root_span!(
            "GET /s/{token}/terminal",
            otel.kind = "server",
            http.request.method = "GET",
            http.route = "/s/{token}/terminal",
            http.response.status_code = Empty,
            k8s.namespace.name = Empty,
            kubeopencode.agent.name = Empty,
            kubeopencode.link = Empty,
            kubeopencode.outcome = Empty,
            otel.status_code = Empty,
        ),
        Route::Wake(_) => root_span!(
            "POST /s/{token}/wake",
            otel.kind = "server",
            http.request.method = "POST",
            http.route = "/s/{token}/wake",
            http.response.status_code = Empty,
            k8s.namespace.name = Empty,
            kubeopencode.agent.name = Empty,
            kubeopencode.link = Empty,
            kubeopencode.outcome = Empty,
            otel.status_code = Empty,
        ),
        _ => Span::none(),
    }
}

/// Whether the visitor may, from what is in memory.
pub(crate) fn verdict(request: &Span) -> Span {
    child_span!(request, "verdict", kubeopencode.outcome = Empty)
}

/// What became of the verdict. A denial is no error: it is what was asked for.
pub(crate) fn judged<T>(
    verdict: &Span,
    judged: Result<T, RequestError>,
) -> Result<T, RequestError> {
    let outcome = judged.as_ref().map_or_else(RequestError::category, |_| "admitted");
    verdict.record("kubeopencode.outcome", outcome);
    judged
}

/// Whose agent it is, by which link.
pub(crate) fn admitted(request: &Span, visitor: &Visitor) {
    if request.is_disabled() {
        return;
    }
    let Visitor { agent, link, .. } = visitor;
    request.record("k8s.namespace.name", agent.namespace.as_str());
    request.record("kubeopencode.agent.name", agent.name.as_str());
    request.record("kubeopencode.link", link_id(*link).as_str());
}

/// What the request was answered by.
pub(crate) fn answered(request: &Span, status: StatusCode) {
    request.record("http.response.status_code", status.as_u16());
}

/// The same, where it is a refusal. Only what the system itself failed at is an error.
pub(crate) fn refusal(request: &Span, error: &RequestError) {
    request.record("kubeopencode.outcome", error.category());
    if error.status().is_server_error() {
        request.record("otel.status_code", "ERROR");
    }
}

/// Until the browser's WebSocket is there and has told its size.
pub(crate) fn websocket(request: &Span) -> Span {
    child_span!(request, "WebSocket")
}

/// One attempt to open the terminal, at the replica at `address`.
pub(crate) fn attach(request: &Span, address: SocketAddr) -> Span {
    child_span!(
        request,
        "kubeopencode.terminal.v1.TerminalBroker/Attach",
        otel.kind = "client",
        rpc.system = "grpc",
        rpc.method = "kubeopencode.terminal.v1.TerminalBroker/Attach",
        server.address = %address.ip(),
        server.port = address.port(),
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// One attempt to wake the agent, at the replica at `address`.
pub(crate) fn wake(request: &Span, address: SocketAddr) -> Span {
    child_span!(
        request,
        "kubeopencode.terminal.v1.TerminalBroker/Wake",
        otel.kind = "client",
        rpc.system = "grpc",
        rpc.method = "kubeopencode.terminal.v1.TerminalBroker/Wake",
        server.address = %address.ip(),
        server.port = address.port(),
        kubeopencode.outcome = Empty,
        otel.status_code = Empty,
    )
}

/// The broker refused, or could not be reached.
pub(crate) fn refused(attempt: &Span, code: Code) {
    if !attempt.is_disabled() {
        attempt.record("kubeopencode.outcome", format!("{code:?}").as_str());
        attempt.record("otel.status_code", "ERROR");
    }
}

/// It came to nothing, for a reason in a word of ours.
pub(crate) fn failed(span: &Span, outcome: &'static str) {
    span.record("kubeopencode.outcome", outcome);
    span.record("otel.status_code", "ERROR");
}

/// The visit from the open terminal to its first output: dropped with it, or with a session that
/// ends before.
#[derive(Debug)]
pub(crate) struct FirstOutput {
    _waiting: Span,
    _request: Span,
}

impl FirstOutput {
    pub(crate) fn of(request: Span) -> Self {
        Self { _waiting: child_span!(request, "first output"), _request: request }
    }
}
