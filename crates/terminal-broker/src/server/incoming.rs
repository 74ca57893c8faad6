//! Established connections as tonic takes them: each of an allowed caller, and keeping its place among
//! the open ones until it ends.

use std::{
    future::ready,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use daemon::{ReadAhead, connect::Slot, tls::Established};
use futures::{Stream, StreamExt};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::callers::{AllowedCallers, Caller, Role};

/// Connections of controllers at a time: a few replicas, and those of them that reconnect. They are
/// counted apart, so that no number of gateways or terminals keeps a controller out.
const CONTROLLERS_MAX: usize = 16;
/// Connections of callers that open no terminals: they keep no gateway out.
const OPERATORS_MAX: usize = 32;

/// Room for connections.
struct Places {
    controllers: Arc<Semaphore>,
    operators: Arc<Semaphore>,
    others: Arc<Semaphore>,
}

impl Places {
    /// A place for a connection, free again when dropped.
    fn take(&self, caller: &Caller) -> Option<OwnedSemaphorePermit> {
        let of = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        let own = caller.has(Role::Watch).then(|| of(&self.controllers)).flatten();
        if own.is_some() || caller.has(Role::Attach) || caller.has(Role::Watch) {
            return own.or_else(|| of(&self.others));
        }
        of(&self.operators)
    }
}

/// Those of `established` that allowed callers made, at most `max_connections` at a time.
pub(super) fn of_callers(
    established: impl Stream<Item = Established>,
    callers: AllowedCallers,
    max_connections: usize,
) -> impl Stream<Item = io::Result<Placed>> {
    let places = Places {
        controllers: Arc::new(Semaphore::new(CONTROLLERS_MAX)),
        operators: Arc::new(Semaphore::new(OPERATORS_MAX)),
        others: Arc::new(Semaphore::new(max_connections.min(Semaphore::MAX_PERMITS))),
    };
    established.filter_map(move |connection| ready(place(connection, &callers, &places).map(Ok)))
}

/// `None` closes the connection.
fn place(
    Established { stream, peer, slot }: Established,
    callers: &AllowedCallers,
    places: &Places,
) -> Option<Placed> {
    let chain = stream.get_ref().1.peer_certificates();
    let own = chain.and_then(<[_]>::first);
    let Some(caller) = own.and_then(|certificate| callers.judge(certificate)) else {
        tracing::warn!(%peer, "a caller's certificate names no allowed client");
        return None;
    };
    let Some(place) = places.take(&caller) else {
        tracing::warn!(%peer, "too many connections are open");
        return None;
    };
    Some(Placed { stream, caller, _slot: slot, _place: place })
}

/// A connection and its place.
pub(super) struct Placed {
    stream: TlsStream<ReadAhead<TcpStream>>,
    caller: Caller,
    _slot: Slot,
    _place: OwnedSemaphorePermit,
}

impl Connected for Placed {
    type ConnectInfo = Caller;

    fn connect_info(&self) -> Caller {
        self.caller.clone()
    }
}

impl AsyncRead for Placed {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Placed {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
