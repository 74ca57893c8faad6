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

/// A kubelet and a few scrapers; nobody else has business here.
pub(crate) const MAX_CONNECTIONS: usize = 64;

/// What the answers are made of.
#[derive(Clone)]
pub(crate) struct Probes {
    pub(crate) readiness: Readiness,
    pub(crate) metrics: Metrics,
}

impl Probes {
    /// Serves until `shutdown`.
    pub(crate) async fn serve(
        self,
        acceptor: Acceptor,
        tasks: TaskTracker,
        shutdown: CancellationToken,
    ) {
        let handle = |Connection { stream, slot, .. }| {
            let (probes, shutdown) = (self.clone(), shutdown.clone());
            async move {
                let service = service_fn(async |request: Request<Incoming>| {
                    Ok::<_, Infallible>(probes.answer(request.method(), request.uri().path()))
                });
                http1::serve_connection(stream, service, &shutdown).await;
                drop(slot);
            }
        };
        acceptor.serve(&tasks, &shutdown, handle).await;
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
        if self.readiness.is_ready() {
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
