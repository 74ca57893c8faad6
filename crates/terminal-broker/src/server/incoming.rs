//! Accepted connections as tonic takes them: each keeps its place among the open ones until it ends.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use daemon::connect::{Acceptor, Connection, Slot};
use futures::{Stream, stream};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tonic::transport::server::Connected;

/// The connections of `acceptor`, without end.
pub(crate) fn connections(acceptor: Acceptor) -> impl Stream<Item = io::Result<Placed>> {
    stream::unfold(acceptor, |acceptor| async {
        let Connection { stream, slot, .. } = acceptor.accept().await;
        Some((Ok(Placed { stream, _slot: slot }), acceptor))
    })
}

/// A connection and its place.
pub(crate) struct Placed {
    stream: TcpStream,
    _slot: Slot,
}

impl Connected for Placed {
    type ConnectInfo = ();

    fn connect_info(&self) {}
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
