//! An exec's WebSocket on our side: frames out, parts of messages in as they arrive. It holds
//! nothing while nothing is under way, and does not know what the messages mean.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use daemon::scratch;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::tungstenite::protocol::frame::{
    Frame,
    coding::{Data, OpCode},
};

use super::unframer::{FrameError, Part, Unframer};

/// Frames are joined up to this many bytes before they are written.
const JOINED_BYTES: usize = 16 * 1024;

/// A client's end, after the handshake.
pub(super) struct WebSocket<Io> {
    io: Io,
    incoming: Unframer,
    /// Frames of which some bytes were not written yet.
    outgoing: Vec<u8>,
    /// How many bytes of `outgoing` were written.
    written: usize,
    flush: Flush,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Done,
    Due,
}

/// Why nothing more can be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the connection ended")]
    Ended,
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl<Io> WebSocket<Io> {
    pub(super) fn new(io: Io) -> Self {
        Self {
            io,
            incoming: Unframer::default(),
            outgoing: Vec::new(),
            written: 0,
            flush: Flush::Done,
        }
    }

    /// Whether all frames have been taken by the connection, and flushed.
    pub(super) fn is_flushed(&self) -> bool {
        self.flush == Flush::Done
    }

    /// Whether another frame should be given before the next flush.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < JOINED_BYTES
    }

    /// Takes a message, to be written by [`Self::poll_flush`].
    pub(super) fn send(&mut self, message: Bytes) -> io::Result<()> {
        self.push(Frame::message(message, OpCode::Data(Data::Binary), true))
    }

    /// Takes the end of what we say.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.push(Frame::close(None))
    }

    fn push(&mut self, mut frame: Frame) -> io::Result<()> {
        // What a client sends is masked (RFC 6455, section 5.3).
        frame.header_mut().mask = Some(rand::random());
        self.flush = Flush::Due;
        frame.format(&mut self.outgoing).map_err(io::Error::other)
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> WebSocket<Io> {
    /// The next part of what the server says. Answers to its pings are sent by the next flush.
    pub(super) fn poll_part(&mut self, context: &mut Context<'_>) -> Poll<Result<Part, ReadError>> {
        loop {
            match self.incoming.next()? {
                Some(Part::Ping(payload)) => {
                    self.pong(payload);
                    continue;
                }
                Some(part) => return Poll::Ready(Ok(part)),
                None => {}
            }
            let read = scratch::poll_read(&mut self.io, context, Bytes::copy_from_slice);
            match ready!(read) {
                Ok(piece) if !piece.is_empty() => self.incoming.push(piece),
                Ok(_) | Err(_) => return Poll::Ready(Err(ReadError::Ended)),
            }
        }
    }

    /// Where earlier answers wait there is somebody who pings and does not read: one less matters
    /// to nobody.
    fn pong(&mut self, payload: Bytes) {
        if self.has_room() {
            // Formatting into memory does not fail.
            let _ = self.push(Frame::pong(payload));
        }
    }

    /// Writes what waits.
    pub(super) fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written < self.outgoing.len() {
            let waiting = &self.outgoing[self.written..];
            match ready!(Pin::new(&mut self.io).poll_write(context, waiting))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written += count,
            }
        }
        // Not cleared only: a session would hold for ever what a paste once took.
        (self.outgoing, self.written) = (Vec::new(), 0);
        ready!(Pin::new(&mut self.io).poll_flush(context))?;
        self.flush = Flush::Done;
        Poll::Ready(Ok(()))
    }
}
