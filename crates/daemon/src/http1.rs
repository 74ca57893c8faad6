//! One HTTP/1.1 connection with the deadlines that hyper leaves to its caller.

use std::{convert::Infallible, error::Error, time::Duration};

use http::{Request, Response};
use hyper::{
    body::{Body, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

/// How long a client may take to send a request's head, its first byte included;
/// also how long a kept-alive connection may idle.
pub const HEADER_DEADLINE: Duration = Duration::from_secs(10);

/// The most that a request's head may take, in bytes. Also the read buffer's bound.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Answers requests, upgrades included, until the client or `shutdown` ends it; a
/// request under way is finished first. An upgraded stream belongs to whoever
/// took it: this function returns then, and does not wait for it.
pub async fn serve_connection<Io, S, B>(io: Io, service: S, shutdown: &CancellationToken)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(io), service)
        .with_upgrades();
    tokio::pin!(connection);

    let ended = tokio::select! {
        biased;
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        ended = &mut connection => ended,
    };
    if let Err(error) = ended {
        // The peer's doing: a scan, a dropped network, a missed deadline.
        tracing::debug!(%error, "a connection ended early");
    }
}
