//! A viewer's socket below the WebSocket: terminal output becomes frames here and is written from
//! where it is, and what the socket did not take yet is kept. So output that a viewer did not take
//! can still be withheld from it. Control frames are the WebSocket's, and only passed.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Data, OpCode},
};

/// `S`, with room for one write of control frames that `S` did not take at once, and one frame of
/// output.
#[derive(Debug)]
pub(super) struct Outlet<S> {
    stream: S,
    kept: Kept,
}

/// What was not written yet.
#[derive(Debug, Default)]
struct Kept {
    /// Whole control frames of which some bytes were not written yet.
    control: Vec<u8>,
    /// How many bytes of `control` were written.
    written: usize,
    /// Comes after `control`.
    output: Option<Output>,
}

/// A binary frame of a server's, which masks nothing (RFC 6455, section 5.1).
#[derive(Debug)]
struct Output {
    begun: bool,
    /// What was not written of each.
    header: Bytes,
    payload: Bytes,
}

impl Output {
    fn new(payload: Bytes) -> io::Result<Self> {
        let opcode = OpCode::Data(Data::Binary);
        let header = FrameHeader { opcode, ..FrameHeader::default() };
        let mut bytes = Vec::with_capacity(header.len(payload.len() as u64));
        header.format(payload.len() as u64, &mut bytes).map_err(io::Error::other)?;
        Ok(Self { begun: false, header: bytes.into(), payload })
    }

    fn advance(&mut self, bytes: usize) {
        self.begun |= bytes > 0;
        let of_header = bytes.min(self.header.len());
        self.header.advance(of_header);
        self.payload.advance(bytes - of_header);
    }
}

impl<S> Outlet<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, kept: Kept::default() }
    }

    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// Takes `output` as the next frame; it leaves with the next write or flush. One waits at most:
    /// the caller flushes before it gives another.
    pub(super) fn give(&mut self, output: Bytes) -> io::Result<()> {
        if self.kept.output.is_some() {
            return Err(io::Error::other("the frame before was not flushed"));
        }
        self.kept.output = Some(Output::new(output)?);
        Ok(())
    }

    /// Withholds output that was not written yet. A frame that was begun has to be completed, or
    /// its receiver understands nothing that follows: with zeros, which terminals ignore.
    pub(super) fn withhold_output(&mut self) {
        let begun = self.kept.output.take().filter(|output| output.begun);
        self.kept.output = begun.map(|output| {
            let zeros = vec![0; output.payload.len()];
            Output { payload: zeros.into(), ..output }
        });
    }
}

impl Kept {
    /// In its order.
    fn parts(&self) -> [&[u8]; 3] {
        let output = self.output.as_ref();
        let [header, payload] =
            output.map_or([&[][..]; 2], |output| [&output.header, &output.payload]);
        [&self.control[self.written..], header, payload]
    }

    fn is_empty(&self) -> bool {
        self.control.is_empty() && self.output.is_none()
    }

    /// Whether control frames still come before the output.
    fn takes_control(&self) -> bool {
        self.control.is_empty() && self.output.as_ref().is_none_or(|output| !output.begun)
    }

    /// Of these, `bytes` were written. Nothing is held for what is gone: a session that once
    /// was slow would keep a message's worth of memory for ever.
    fn advance(&mut self, bytes: usize) {
        let of_control = bytes.min(self.control.len() - self.written);
        self.written += of_control;
        if self.written == self.control.len() {
            (self.control, self.written) = (Vec::new(), 0);
        }
        if let Some(output) = &mut self.output {
            output.advance(bytes - of_control);
            if output.header.is_empty() && output.payload.is_empty() {
                self.output = None;
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> Outlet<S> {
    /// Writes what was kept.
    fn poll_kept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.kept.is_empty() {
            let parts = self.kept.parts().map(IoSlice::new);
            let writing = Pin::new(&mut self.stream).poll_write_vectored(context, &parts);
            let written = ready!(writing)?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.kept.advance(written);
        }
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
    /// Takes all of `frames`, control frames of the WebSocket's, or nothing while there is
    /// something left of earlier ones. They overtake output that was not begun.
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        frames: &[u8],
    ) -> Poll<io::Result<usize>> {
        if !self.kept.takes_control() {
            ready!(self.poll_kept(context))?;
        }
        self.kept.control.extend_from_slice(frames);
        match self.poll_kept(context) {
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(())) | Poll::Pending => Poll::Ready(Ok(frames.len())),
        }
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
    const OUTPUT: Bytes = Bytes::from_static(&[7; 300]);
    /// A frame with [`OUTPUT`] begins with its type and its length.
    const HEADER: [u8; 4] = [0x82, 126, 1, 44];
    /// A frame of the WebSocket's.
    const TEXT: &[u8] = b"\x81\x04text";

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

    /// Has given [`OUTPUT`] to a pipe that takes [`PIPE_BYTES`].
    fn stalled() -> (Outlet<DuplexStream>, DuplexStream) {
        let (near, far) = duplex(PIPE_BYTES);
        let mut outlet = Outlet::new(near);
        outlet.give(OUTPUT).unwrap();
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut outlet).poll_flush(&mut context).is_pending());
        (outlet, far)
    }

    #[tokio::test]
    async fn what_the_socket_does_not_take_at_once_follows() {
        let (near, far) = duplex(PIPE_BYTES);
        let mut outlet = Outlet::new(near);
        assert_eq!(outlet.write(&TEXT.repeat(9)).await.unwrap(), 9 * TEXT.len(), "all is taken");
        outlet.give(OUTPUT).unwrap();
        assert_eq!(arrived(outlet, far).await, [&TEXT.repeat(9), &HEADER[..], &OUTPUT].concat());
    }

    #[tokio::test]
    async fn control_overtakes_output_and_nothing_is_held_of_what_has_left() {
        let (near, far) = duplex(1024);
        let mut outlet = Outlet::new(near);
        outlet.give(OUTPUT).unwrap();
        outlet.write_all(TEXT).await.unwrap();
        assert!(outlet.kept.output.is_none());
        assert_eq!(outlet.kept.control.capacity(), 0);
        assert_eq!(arrived(outlet, far).await, [TEXT, &HEADER, &OUTPUT].concat());
    }

    #[tokio::test]
    async fn withheld_output_never_leaves_and_the_frames_stay_whole() {
        let (mut outlet, far) = stalled();
        outlet.withhold_output();
        let zeros = vec![0; OUTPUT.len() + HEADER.len() - PIPE_BYTES];
        let begun = [&HEADER[..], &OUTPUT[..PIPE_BYTES - HEADER.len()]].concat();
        assert_eq!(arrived(outlet, far).await, [begun, zeros].concat());
    }

    #[tokio::test]
    async fn output_that_was_not_begun_is_dropped() {
        let (near, far) = duplex(PIPE_BYTES);
        let mut outlet = Outlet::new(near);
        assert_eq!(outlet.write(&TEXT.repeat(2)).await.unwrap(), 2 * TEXT.len());
        outlet.give(OUTPUT).unwrap();
        outlet.withhold_output();
        assert_eq!(arrived(outlet, far).await, TEXT.repeat(2));
    }

    #[tokio::test]
    async fn it_keeps_no_more_than_one_frame() {
        let (mut outlet, _far) = stalled();
        assert!(outlet.give(OUTPUT).is_err());
        let mut context = Context::from_waker(std::task::Waker::noop());
        assert!(Pin::new(&mut outlet).poll_write(&mut context, TEXT).is_pending());
        assert!(outlet.kept.control.is_empty());
    }
}
