//! Answers /livez, /readyz and /metrics on a port of their own.

use std::convert::Infallible;

use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    service::service_fn,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{
    Metrics, Readiness,
    connect::{Acceptor, Connection},
    http1, metrics,
};

/// A kubelet and a few scrapers; nobody else needs this port.
pub(crate) const MAX_CONNECTIONS: usize = 64;

/// What the answers are made of.
#[derive(Clone)]
pub(crate) struct Probes {
    readiness: Readiness,
    metrics: Metrics,
    /// The process's own, not the probes': they answer until its last task has ended.
    shutdown: CancellationToken,
}

impl Probes {
    pub(crate) fn new(readiness: Readiness, metrics: Metrics, shutdown: CancellationToken) -> Self {
        Self { readiness, metrics, shutdown }
    }

    /// Serves until `end`.
    pub(crate) async fn serve(
        self,
        acceptor: Acceptor,
        tasks: TaskTracker,
        end: CancellationToken,
    ) {
        let handle = |Connection { stream, slot, .. }| {
            let (probes, end) = (self.clone(), end.clone());
            async move {
                let service = service_fn(async |request: Request<Incoming>| {
                    Ok::<_, Infallible>(probes.answer(request.method(), request.uri().path()))
                });
                http1::serve_connection(stream, &slot, service, &end).await;
            }
        };
        acceptor.serve(&tasks, &end, handle).await;
    }

    fn answer(&self, method: &Method, path: &str) -> Response<Full<Bytes>> {
        if method != Method::GET && method != Method::HEAD {
            return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
        }
        match path {
            "/livez" => text(StatusCode::OK, "ok\n"),
            "/readyz" => self.ready(),
            "/metrics" => self.metrics(),
            _ => text(StatusCode::NOT_FOUND, "/livez, /readyz and /metrics are served here\n"),
        }
    }

    fn ready(&self) -> Response<Full<Bytes>> {
        if self.shutdown.is_cancelled() {
            // Out of its Service while it finishes.
            text(StatusCode::SERVICE_UNAVAILABLE, "shutting down\n")
        } else if self.readiness.is_ready() {
            text(StatusCode::OK, "ok\n")
        } else {
            text(StatusCode::SERVICE_UNAVAILABLE, self.readiness.missing().to_string())
        }
    }

    fn metrics(&self) -> Response<Full<Bytes>> {
        match self.metrics.encode() {
            Ok(page) => respond(StatusCode::OK, metrics::CONTENT_TYPE, page),
            Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
        }
    }
}

fn text(status: StatusCode, body: impl Into<Bytes>) -> Response<Full<Bytes>> {
    respond(status, "text/plain; charset=utf-8", body)
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests;
