//! A stream whose peer has to take bytes: a write that gets nowhere for 10 s fails, so that a
//! reader that stalls holds no memory for ever. It sets no deadline on reading.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// How long a peer may take no byte while some wait for it.
pub const STALL_DEADLINE: Duration = Duration::from_secs(10);

/// Fails a write with [`io::ErrorKind::TimedOut`] when none of its bytes could be written for
/// [`STALL_DEADLINE`]. Belongs directly around the socket, below TLS: what a TLS stream buffers
/// is no progress. Costs no timer as long as bytes can be written.
#[derive(Debug)]
pub struct Progress<S> {
    stream: S,
    /// There while a write is pending.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl<S> Progress<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, stalled: None }
    }

    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    pub fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    pub fn into_inner(self) -> S {
        self.stream
    }

    fn bound(
        &mut self,
        context: &mut Context<'_>,
        written: Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let deadline = || Box::pin(sleep_until(Instant::now() + STALL_DEADLINE));
        ready!(self.stalled.get_or_insert_with(deadline).as_mut().poll(context));
        self.stalled = None;
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes no bytes")))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Progress<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Progress<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bound(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.bound(context, written)
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

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt, duplex},
        time::sleep,
    };

    use super::*;

    /// What lies between writer and reader, in bytes.
    const PIPE_BYTES: usize = 4;

    #[tokio::test(start_paused = true)]
    async fn a_write_that_gets_nowhere_fails_after_the_deadline() {
        let (near, _far) = duplex(PIPE_BYTES);
        let mut stream = Progress::new(near);
        let start = Instant::now();
        stream.write_all(&[0; PIPE_BYTES]).await.unwrap();
        assert!(stream.stalled.is_none(), "no timer while bytes can be written");

        let error = stream.write_all(b"more").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(start.elapsed(), STALL_DEADLINE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_reader_is_waited_for() {
        let (near, mut far) = duplex(PIPE_BYTES);
        let mut stream = Progress::new(near);
        let written = async {
            stream.write_all(&[7; 10 * PIPE_BYTES]).await.unwrap();
            drop(stream);
        };
        let read = async {
            let mut taken = 0;
            while far.read_u8().await.is_ok() {
                taken += 1;
                sleep(STALL_DEADLINE / 2).await;
            }
            taken
        };
        assert_eq!(tokio::join!(written, read).1, 10 * PIPE_BYTES);
    }
}
