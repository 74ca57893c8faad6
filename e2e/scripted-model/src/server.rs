//! The script over HTTP. Must hold no state between two requests.

use std::{convert::Infallible, net::SocketAddr, time::Duration};

use bytes::Bytes;
use daemon::{
    Daemon,
    connect::{Acceptor, Connection},
    http1,
};
use futures::{StreamExt, stream};
use http::{Method, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, Limited, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use serde_json::{Value, json};

use crate::{conversation::ChatRequest, reply, script};

/// One agent needs two at a time.
const MAX_CONNECTIONS: usize = 256;
/// A conversation with all of its tool results.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Serves until the daemon's shutdown.
pub(crate) async fn serve(
    listen: SocketAddr,
    pace: Duration,
    daemon: Daemon,
) -> anyhow::Result<()> {
    let acceptor = daemon.listen("api", listen, MAX_CONNECTIONS).await?;
    accept(acceptor, pace, &daemon).await;
    Ok(())
}

async fn accept(acceptor: Acceptor, pace: Duration, daemon: &Daemon) {
    let handle = |Connection { stream, slot, .. }| {
        let shutdown = daemon.shutdown.clone();
        async move {
            let service = service_fn(async |request: Request<Incoming>| {
                Ok::<_, Infallible>(answer(request, pace).await)
            });
            http1::serve_connection(stream, &slot, service, &shutdown).await;
        }
    };
    acceptor.serve(&daemon.tasks, &daemon.shutdown, handle).await;
}

async fn answer(request: Request<Incoming>, pace: Duration) -> Answer {
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => json_answer(StatusCode::OK, &json!({ "status": "ok" })),
        (&Method::GET, "/v1/models") => json_answer(StatusCode::OK, &models()),
        (&Method::POST, "/v1/chat/completions") => complete(request, pace).await,
        _ => {
            refusal(StatusCode::NOT_FOUND, "this script serves /v1/chat/completions and /v1/models")
        }
    }
}

async fn complete(request: Request<Incoming>, pace: Duration) -> Answer {
    let body = match Limited::new(request.into_body(), MAX_REQUEST_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => return refusal(StatusCode::PAYLOAD_TOO_LARGE, &error.to_string()),
    };
    let request: ChatRequest = match serde_json::from_slice(&body) {
        Ok(request) => request,
        Err(error) => return refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let step = script::next(&request);
    tracing::info!(messages = request.messages.len(), tool = step.tool(), "answering");
    if request.stream {
        stream_answer(reply::chunks(&request.model, &step), pace)
    } else {
        json_answer(StatusCode::OK, &reply::completion(&request.model, &step))
    }
}

/// Server-sent events, one chunk each, `pace` apart.
fn stream_answer(chunks: Vec<Value>, pace: Duration) -> Answer {
    let events = chunks.into_iter().map(|chunk| chunk.to_string()).chain(["[DONE]".to_owned()]);
    let frames = stream::iter(events).then(move |event| async move {
        tokio::time::sleep(pace).await;
        Ok(Frame::data(Bytes::from(format!("data: {event}\n\n"))))
    });
    respond(StatusCode::OK, "text/event-stream", BodyExt::boxed(StreamBody::new(frames)))
}

fn models() -> Value {
    let script = json!({ "id": "script", "object": "model", "created": 0, "owned_by": "a script" });
    json!({ "object": "list", "data": [script] })
}

/// The shape of `OpenAI`'s errors.
fn refusal(status: StatusCode, message: &str) -> Answer {
    let error = json!({ "message": message, "type": "invalid_request_error" });
    json_answer(status, &json!({ "error": error }))
}

fn json_answer(status: StatusCode, body: &Value) -> Answer {
    respond(status, "application/json", Full::from(body.to_string()).boxed())
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: BoxBody<Bytes, Infallible>,
) -> Answer {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    answer
}

#[cfg(test)]
mod tests;
