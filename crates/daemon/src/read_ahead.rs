//! A stream that is read in large steps for a reader that asks for small ones. TLS asks for 4 KiB
//! at a time: five system calls for one full record. It holds nothing while nothing waits.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::{Connected, Connection};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::scratch;

/// Reads from `S` as much as there is, and hands it out in whatever pieces are asked for. Belongs
/// below TLS. Writes pass as they are.
#[derive(Debug)]
pub struct ReadAhead<S> {
    stream: S,
    /// What was read and not asked for yet; no allocation while there is nothing.
    waiting: Vec<u8>,
    /// How much of `waiting` was handed out.
    taken: usize,
}

impl<S> ReadAhead<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, waiting: Vec::new(), taken: 0 }
    }

    pub fn get_ref(&self) -> &S {
        &self.stream
    }

    fn take(&mut self, buffer: &mut ReadBuf<'_>) {
        let waiting = &self.waiting[self.taken..];
        let count = waiting.len().min(buffer.remaining());
        buffer.put_slice(&waiting[..count]);
        self.taken += count;
        if self.taken == self.waiting.len() {
            (self.waiting, self.taken) = (Vec::new(), 0);
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ReadAhead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.waiting.is_empty() {
            self.take(buffer);
            return Poll::Ready(Ok(()));
        }
        let Self { stream, waiting, .. } = &mut *self;
        scratch::poll_read(stream, context, |read| {
            let (now, later) = read.split_at(read.len().min(buffer.remaining()));
            buffer.put_slice(now);
            // Allocates nothing where there is nothing.
            *waiting = later.to_vec();
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ReadAhead<S> {
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
        parts: &[IoSlice<'_>],
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

/// For clients whose connector makes the stream.
impl<S: Connection> Connection for ReadAhead<S> {
    fn connected(&self) -> Connected {
        self.stream.connected()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Counts how often it is read.
    struct Counted<S> {
        stream: S,
        reads: usize,
    }

    impl<S: AsyncRead + Unpin> AsyncRead for Counted<S> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.reads += 1;
            Pin::new(&mut self.stream).poll_read(context, buffer)
        }
    }

    #[tokio::test]
    async fn a_full_record_is_read_at_once_however_small_the_steps_and_nothing_is_held_after_it() {
        let record = vec![7; 16 * 1024];
        let mut stream = ReadAhead::new(Counted { stream: &record[..], reads: 0 });
        for _ in 0..4 {
            stream.read_exact(&mut [0; 4096]).await.unwrap();
        }
        assert_eq!(stream.stream.reads, 2, "the second finds that there is no more");
        assert_eq!(stream.waiting.capacity(), 0);
    }

    #[tokio::test]
    async fn writes_pass() {
        let (near, mut far) = tokio::io::duplex(8);
        let mut stream = ReadAhead::new(near);
        stream.write_all(b"typed").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut read = Vec::new();
        far.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"typed");
    }

    proptest! {
        #[test]
        fn no_byte_is_lost_or_moved(
            bytes in prop::collection::vec(any::<u8>(), 0..200_000),
            steps in prop::collection::vec(1_usize..70_000, 1..8),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let read = runtime.block_on(async {
                let mut stream = ReadAhead::new(&bytes[..]);
                let mut read = Vec::new();
                for step in steps.iter().cycle() {
                    let mut piece = vec![0; *step];
                    match stream.read(&mut piece).await.unwrap() {
                        0 => break,
                        count => read.extend_from_slice(&piece[..count]),
                    }
                }
                read
            });
            prop_assert_eq!(read, bytes);
        }
    }
}
