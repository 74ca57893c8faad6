//! Buffers that the streams of a thread read into, one after the other: what came is taken out
//! before the read returns, so a stream that waits holds none.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

/// What is asked of a stream at once, in bytes: four full records of TLS.
const READ_BYTES: usize = 64 * 1024;

/// From so many bytes on, more is likely to be there.
const BULK_BYTES: usize = 4 * 1024;

thread_local! {
    /// As many as there are streams that read through another: a buffer each.
    static FREE: RefCell<Vec<Box<[u8]>>> = const { RefCell::new(Vec::new()) };
}

/// Reads what there is, up to 64 KiB, and hands it to `take`; an empty slice is the stream's end.
pub fn poll_read<S, T>(
    stream: &mut S,
    context: &mut Context<'_>,
    take: impl FnOnce(&[u8]) -> T,
) -> Poll<io::Result<T>>
where
    S: AsyncRead + Unpin,
{
    let free = FREE.with_borrow_mut(Vec::pop);
    let mut buffer = free.unwrap_or_else(|| vec![0; READ_BYTES].into_boxed_slice());
    let mut read = ReadBuf::new(&mut buffer);
    let polled = poll_fill(stream, context, &mut read);
    let taken = polled.map_ok(|()| take(read.filled()));
    FREE.with_borrow_mut(|free| free.push(buffer));
    taken
}

/// TLS yields one record at a time, of which several may be there. After a little no more is asked
/// for: it is a key, or its echo.
fn poll_fill<S>(
    stream: &mut S,
    context: &mut Context<'_>,
    read: &mut ReadBuf<'_>,
) -> Poll<io::Result<()>>
where
    S: AsyncRead + Unpin,
{
    loop {
        let before = read.filled().len();
        match Pin::new(&mut *stream).poll_read(context, read) {
            Poll::Ready(Ok(()))
                if read.filled().len() - before >= BULK_BYTES && read.remaining() > 0 => {}
            // Of an error after some bytes the next read tells, or of the end.
            Poll::Ready(Err(_)) | Poll::Pending if before > 0 => return Poll::Ready(Ok(())),
            polled => return polled,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    /// A stream that reads through another.
    struct Around<S>(S);

    impl<S: AsyncRead + Unpin> AsyncRead for Around<S> {
        fn poll_read(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            super::poll_read(&mut self.0, context, |read| buffer.put_slice(read))
        }
    }

    /// A stream of which each read yields one part.
    struct Parts(Vec<io::Result<&'static [u8]>>);

    const MUCH: &[u8] = &[7; BULK_BYTES];

    impl AsyncRead for Parts {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.0.pop() {
                Some(part) => Poll::Ready(part.map(|part| buffer.put_slice(part))),
                None => Poll::Pending,
            }
        }
    }

    #[tokio::test]
    async fn what_comes_in_parts_is_read_together_and_no_failure_hides_any_of_it() {
        let reset = || Err(io::ErrorKind::ConnectionReset.into());
        let read = async |mut parts: Vec<_>| {
            parts.reverse();
            let mut stream = Parts(parts);
            poll_fn(|context| poll_read(&mut stream, context, <[u8]>::to_vec)).await
        };
        let much = [MUCH, MUCH, b"b"].concat();
        assert_eq!(read(vec![Ok(MUCH), Ok(MUCH), Ok(b"b")]).await.unwrap(), much);
        assert_eq!(read(vec![Ok(b"a"), Ok(b"b")]).await.unwrap(), b"a", "an echo");
        assert_eq!(read(vec![Ok(MUCH), reset()]).await.unwrap(), MUCH);
        let ended = read(vec![Ok(MUCH), Ok(b""), Ok(b"b")]).await.unwrap();
        assert_eq!(ended, MUCH, "that was the end");
        assert!(read(vec![reset()]).await.is_err());
    }

    #[tokio::test]
    async fn a_stream_may_read_through_another_and_the_buffers_are_used_again() {
        let mut stream = Around(&b"hello"[..]);
        let mut read =
            async || poll_fn(|context| poll_read(&mut stream, context, <[u8]>::to_vec)).await;
        assert_eq!(read().await.unwrap(), b"hello");
        assert_eq!(read().await.unwrap(), b"");
        assert_eq!(FREE.with_borrow(Vec::len), 2);
    }
}
