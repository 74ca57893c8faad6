//! One open exec as frames each way, polled by its owner: what waits is written, what comes is read
//! as it comes, and neither waits for the other. It is always read: windows bound what that brings.
//! What the frames mean is not its business.

use std::{
    io,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use screen_wire::{Deframer, Frame, WireError};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    channels::{Channels, ExitStatus, FromPod, Protocol},
    event::Over,
    outgoing::Message,
    unframer::Part,
    websocket::{ReadError, WebSocket},
};
use crate::closing::Lost;

/// How much of the end of stderr is kept for the log, in bytes.
pub(super) const STDERR_TAIL_BYTES: usize = 2048;

/// What waits to be written.
pub(super) trait Outbox {
    fn is_empty(&self) -> bool;

    fn pop(&mut self, protocol: Protocol) -> Result<Option<Message>, WireError>;
}

pub(super) struct Frames<Io> {
    socket: WebSocket<Io>,
    protocol: Protocol,
    channels: Channels,
    writing: Writing,
    last_written: Instant,
    deframer: Deframer,
    hearing: Hearing,
    stderr: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Possible,
    /// Nothing more can be written; there may still be something to read.
    Failed,
}

/// What becomes of the screen's frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    /// None has come yet.
    Nothing,
    Frames,
    /// They are dropped: only the end matters any more.
    EndOnly,
}

impl<Io> Frames<Io> {
    /// `io` is a client's end of a WebSocket, of which nothing has been read.
    pub(super) fn new(io: Io, protocol: Protocol) -> Self {
        Self {
            socket: WebSocket::new(io),
            protocol,
            channels: Channels::default(),
            writing: Writing::Possible,
            last_written: Instant::now(),
            deframer: Deframer::new(),
            hearing: Hearing::Nothing,
            stderr: Vec::new(),
        }
    }

    /// What comes is dropped from now on, until the end.
    pub(super) fn hear_the_end_only(&mut self) {
        self.hearing = Hearing::EndOnly;
    }

    /// Whether all that was taken to be written has left this process.
    pub(super) fn is_flushed(&self) -> bool {
        self.socket.is_flushed() && self.writing == Writing::Possible
    }

    /// When something was last sent that the screen may have heard.
    pub(super) fn last_written(&self) -> Instant {
        self.last_written
    }

    /// The end of what the command said on stderr: what a program in the user's pod says, so it is
    /// logged only where somebody asks for it.
    pub(super) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl<Io> Frames<Io>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    /// Writes what waits in `outbox`, and looks whether the screen has said something.
    pub(super) fn poll_next(
        &mut self,
        context: &mut Context<'_>,
        outbox: &mut impl Outbox,
    ) -> Poll<Result<Frame, Over>> {
        if self.writing != Writing::Failed && self.poll_write(context, outbox).is_err() {
            self.writing = Writing::Failed;
        }
        loop {
            if self.hearing != Hearing::EndOnly {
                match self.deframer.next() {
                    Ok(Some(frame)) => {
                        self.hearing = Hearing::Frames;
                        return Poll::Ready(Ok(frame));
                    }
                    Ok(None) => {}
                    Err(_) => return Poll::Ready(Err(Over::Protocol)),
                }
            }
            let taken = match ready!(self.socket.poll_part(context)) {
                Ok(Part::Binary { bytes, ends }) => self.take(bytes, ends),
                Ok(Part::Ping(_)) => Ok(()),
                Ok(Part::Close) | Err(ReadError::Ended) => Err(Over::Broken),
                Err(ReadError::Frame(_)) => Err(Over::Protocol),
            };
            if let Err(over) = taken {
                return Poll::Ready(Err(over));
            }
        }
    }

    /// Fails where nothing can be written any more; otherwise writes as much as there is room for.
    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        outbox: &mut impl Outbox,
    ) -> io::Result<()> {
        loop {
            while self.socket.has_room() && !outbox.is_empty() {
                match outbox.pop(self.protocol).map_err(io::Error::other)? {
                    Some(Message::Binary(message)) => self.socket.send(message)?,
                    Some(Message::Close) => self.socket.close()?,
                    None => continue,
                }
                self.last_written = Instant::now();
            }
            if self.socket.is_flushed() {
                return Ok(());
            }
            match self.socket.poll_flush(context) {
                Poll::Ready(flushed) => flushed?,
                Poll::Pending => return Ok(()),
            }
        }
    }

    fn take(&mut self, part: Bytes, ends: bool) -> Result<(), Over> {
        match self.channels.take(part, ends) {
            Ok(FromPod::Stdout(_)) if self.hearing == Hearing::EndOnly => {}
            Ok(FromPod::Stdout(data)) => self.deframer.push(data),
            Ok(FromPod::Stderr(data)) => self.keep_stderr(&data),
            Ok(FromPod::Status(status)) => return Err(self.over_by(&status)),
            Ok(FromPod::Other) => {}
            Err(_) => return Err(Over::Protocol),
        }
        Ok(())
    }

    /// What it means that the command ended like this, without an exit frame before.
    fn over_by(&self, status: &ExitStatus) -> Over {
        if self.hearing != Hearing::EndOnly {
            tracing::warn!(?status, "the screen's attach program ended before its terminal");
        }
        match (status, self.hearing) {
            (status, _) if status.container_is_gone() => Over::Ended(Lost::ContainerGone),
            (status, Hearing::Nothing) if status.is_unknown_arguments() => Over::UnknownArguments,
            (_, Hearing::Nothing) => Over::Ended(Lost::NotStarted),
            _ => Over::Ended(Lost::Ended),
        }
    }

    pub(super) fn keep_stderr(&mut self, data: &[u8]) {
        self.stderr.extend_from_slice(&data[data.len().saturating_sub(STDERR_TAIL_BYTES)..]);
        let excess = self.stderr.len().saturating_sub(STDERR_TAIL_BYTES);
        self.stderr.drain(..excess);
    }
}
