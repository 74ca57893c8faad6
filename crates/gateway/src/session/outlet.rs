//! A viewer's socket below the WebSocket: it takes whole frames, writes what the socket takes at
//! once, and keeps the rest. So output that a viewer did not take yet can still be withheld from
//! it. It makes no frames.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The opcode of a binary frame (RFC 6455, section 5.2): terminal output.
const BINARY: u8 = 2;

/// `S`, with room for one write that `S` did not take at once.
#[derive(Debug)]
pub(super) struct Outlet<S> {
    stream: S,
    /// Whole frames of which some bytes were not written yet: one message, and what control
    /// frames were gathered with it.
    frames: Vec<u8>,
    /// How many bytes of `frames` were written.
    written: usize,
}

impl<S> Outlet<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, frames: Vec::new(), written: 0 }
    }

    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Withholds output that was not written yet. A frame that was begun has to be completed, or
    /// its receiver understands nothing that follows: with zeros, which terminals ignore.
    pub(super) fn withhold_output(&mut self) {
        if self.frames.is_empty() {
            return;
        }
        let mut kept = Vec::new();
        let mut start = 0;
        while let Some(frame) = Frame::at(&self.frames, start) {
            let begun = start < self.written;
            if begun || !frame.is_output {
                let written = self.written.clamp(start, frame.end);
                let from = if frame.is_output { written.max(frame.payload) } else { frame.end };
                self.frames[from..frame.end].fill(0);
                kept.extend_from_slice(&self.frames[written..frame.end]);
            }
            start = frame.end;
        }
        (self.frames, self.written) = (kept, 0);
    }
}

/// One frame of a server's, which masks nothing (RFC 6455, section 5.1), as places in a buffer.
struct Frame {
    is_output: bool,
    payload: usize,
    end: usize,
}

impl Frame {
    /// The frame that starts at `start`, if it is whole.
    fn at(bytes: &[u8], start: usize) -> Option<Self> {
        let [first, second, rest @ ..] = bytes.get(start..)? else { return None };
        let (header, length) = match second {
            126 => (4, u16::from_be_bytes(*rest.first_chunk()?).into()),
            127 => (10, u64::from_be_bytes(*rest.first_chunk()?).try_into().ok()?),
            length => (2, usize::from(*length)),
        };
        let payload = start + header;
        let end = payload.checked_add(length).filter(|end| *end <= bytes.len())?;
        Some(Self { is_output: first & 0x0f == BINARY, payload, end })
    }
}

impl<S: AsyncWrite + Unpin> Outlet<S> {
    /// Writes what was kept.
    fn poll_kept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.frames.len() {
            let kept = &self.frames[self.written..];
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, kept))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        // Not cleared only: a session that once was slow would hold a message's worth of memory for ever.
        self.frames = Vec::new();
        self.written = 0;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Outlet<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Outlet<S> {
    /// Takes all of `frames`, or nothing while there is something left of earlier ones.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        frames: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_kept(context))?;
        let written = match Pin::new(&mut self.stream).poll_write(context, frames) {
            Poll::Ready(written) => written?,
            Poll::Pending => 0,
        };
        if written < frames.len() {
            self.frames.extend_from_slice(frames);
            self.written = written;
        }
        Poll::Ready(Ok(frames.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_kept(context))?;
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_kept(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    /// What lies between writer and reader, in bytes.
    const PIPE_BYTES: usize = 8;

    fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let length = payload.len();
        let header = match u8::try_from(length) {
            Ok(short @ 0..126) => vec![0x80 | opcode, short],
            _ => {
                [&[0x80 | opcode, 126][..], &u16::try_from(length).unwrap().to_be_bytes()].concat()
            }
        };
        [&header, payload].concat()
    }

    /// Writes `frames` into a pipe that takes [`PIPE_BYTES`] of them.
    async fn stalled(frames: &[u8]) -> (Outlet<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(PIPE_BYTES);
        let mut outlet = Outlet::new(near);
        assert_eq!(outlet.write(frames).await.unwrap(), frames.len(), "all is taken at once");
        (outlet, far)
    }

    /// What arrives when the outlet ends.
    async fn arrived(mut outlet: Outlet<DuplexStream>, mut far: DuplexStream) -> Vec<u8> {
        let mut bytes = Vec::new();
        let write = async {
            outlet.shutdown().await.unwrap();
            drop(outlet);
        };
        let ((), read) = tokio::join!(write, far.read_to_end(&mut bytes));
        read.unwrap();
        bytes
    }

    #[tokio::test]
    async fn what_the_socket_does_not_take_at_once_follows() {
        let frames = [frame(BINARY, &[7; 300]), frame(1, b"text")].concat();
        let (outlet, far) = stalled(&frames).await;
        assert_eq!(arrived(outlet, far).await, frames);
    }

    #[tokio::test]
    async fn withheld_output_never_leaves_and_the_frames_stay_whole() {
        let begun = frame(BINARY, &[7; 300]);
        let frames = [begun.clone(), frame(1, b"text"), frame(BINARY, b"more")].concat();
        let (mut outlet, far) = stalled(&frames).await;
        outlet.withhold_output();

        let zeros = vec![0; begun.len() - PIPE_BYTES];
        let expected = [begun[..PIPE_BYTES].to_vec(), zeros, frame(1, b"text")].concat();
        assert_eq!(arrived(outlet, far).await, expected);
    }

    #[tokio::test]
    async fn a_header_that_was_begun_is_completed() {
        let frames = [frame(1, b"text."), frame(BINARY, &[7; 300])].concat();
        let (mut outlet, far) = stalled(&frames).await;
        outlet.withhold_output();
        let expected = [frame(1, b"text."), frame(BINARY, &[0; 300])].concat();
        assert_eq!(arrived(outlet, far).await, expected);
    }

    #[tokio::test]
    async fn it_keeps_no_more_than_one_write() {
        let (mut outlet, _far) = stalled(&frame(BINARY, &[7; 300])).await;
        let more =
            tokio::time::timeout(std::time::Duration::from_millis(10), outlet.write(b"more"));
        assert!(more.await.is_err());
        assert_eq!(outlet.frames.len(), 304);
    }
}
