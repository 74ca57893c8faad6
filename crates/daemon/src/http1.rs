//! One HTTP/1.1 connection with the deadlines that hyper leaves to its caller. It decides no
//! request.

use std::{
    convert::Infallible,
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::{Body, Bytes, Frame, Incoming, SizeHint},
    server::conn::http1,
    service::{HttpService, Service, service_fn},
    upgrade::Upgraded,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::{Progress, connect::Slot};

/// How long a client may take for a request's head, its first byte included; also how long a
/// kept-alive connection may idle.
pub const HEADER_DEADLINE: Duration = Duration::from_secs(9);

/// The most that a request's head may take, in bytes. Also the read buffer's bound.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Answers requests, upgrades included, until the client or `shutdown` ends it, when a request
/// under way is finished first; or until `slot` is evicted, when none is. The slot is busy from
/// each request's head to the end of its response's body. A client that takes no byte of a
/// response for 10 s is cut ([`Progress`]).
///
/// An upgraded stream belongs to whoever took it ([`into_stream`]): this function returns then,
/// and does not wait for it. Whoever admits the client calls [`Slot::authenticated`] before.
pub async fn serve_connection<Io, S, B>(
    io: Io,
    slot: &Slot,
    service: S,
    shutdown: &CancellationToken,
) where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let service = service_fn(|request| {
        let busy = Busy::begin(slot);
        let response = service.call(request);
        async move { Ok::<_, Infallible>(response.await?.map(|body| Answering { body, busy })) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(Progress::new(io)), service);

    tokio::select! {
        biased;
        ended = finish(connection, shutdown) => if let Err(error) = ended {
            // The peer's doing: a scan, a dropped network, a missed deadline.
            tracing::debug!(%error, "a connection ended early");
        },
        () = slot.evicted() => tracing::debug!("a connection made room for others"),
    }
}

async fn finish<Io, S>(
    connection: http1::Connection<TokioIo<Progress<Io>>, S>,
    shutdown: &CancellationToken,
) -> hyper::Result<()>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: HttpService<Incoming, ResBody: 'static, Error: Into<Box<dyn Error + Send + Sync>>>,
    <S::ResBody as Body>::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let connection = connection.with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        biased;
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        ended = &mut connection => ended,
    }
}

/// The stream that [`serve_connection`] was given as `Io`, back from an upgrade of it, with the
/// bytes that were read beyond the request's head. It is still bounded by [`Progress`], whose
/// `into_inner` is the bare stream. Fails on an upgrade of something else.
pub fn into_stream<Io>(upgraded: Upgraded) -> Result<(Progress<Io>, Bytes), Upgraded>
where
    Io: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let parts = upgraded.downcast::<TokioIo<Progress<Io>>>()?;
    Ok((parts.io.into_inner(), parts.read_buf))
}

/// While it lives, a slot is busy.
struct Busy(Slot);

impl Busy {
    fn begin(slot: &Slot) -> Self {
        slot.busy();

        Self(slot.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.idle();
    }
}

pin_project_lite::pin_project! {
    /// A response's body, whose end is that of the answer.
    struct Answering<B> {
        #[pin]
        body: B,
        busy: Busy,
    }
}

impl<B: Body> Body for Answering<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        self.project().body.poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
