//! One open exec as a plain struct that its session polls: what waits is written, what comes is read
//! as it comes, and neither waits for the other. It is always read: the screen's output window bounds
//! what that brings.

use std::{
    future::poll_fn,
    io,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use screen_wire::{Deframer, Frame};
use terminal_proto::v1::OutputPosition;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    channels::{Channels, ExitStatus, FromPod, Protocol},
    event::{Event, Over},
    outgoing::{Message, Outgoing},
    unframer::Part,
    websocket::{ReadError, WebSocket},
};
use crate::{closing::Lost, viewer::Encoding};

mod first;

/// How much of the end of stderr is kept for the log, in bytes.
const STDERR_TAIL_BYTES: usize = 2048;

/// An open exec.
pub(crate) struct Exec<Io> {
    socket: WebSocket<Io>,
    protocol: Protocol,
    channels: Channels,
    /// Frames that the session wants written.
    pub(crate) outgoing: Outgoing,
    writing: Writing,
    last_written: Instant,
    deframer: Deframer,
    hearing: Hearing,
    encoding: Encoding,
    positions: Positions,
    /// What came before anybody else listened.
    first: Option<Result<Event, Over>>,
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

/// Whether the screen says where in the program's output one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Positions {
    Unasked,
    Said,
}

impl<Io> Exec<Io> {
    /// `io` is a client's end of a WebSocket, of which nothing has been read.
    pub(super) fn new(io: Io, protocol: Protocol) -> Self {
        Self {
            socket: WebSocket::new(io),
            protocol,
            channels: Channels::default(),
            outgoing: Outgoing::default(),
            writing: Writing::Possible,
            last_written: Instant::now(),
            deframer: Deframer::new(),
            hearing: Hearing::Nothing,
            encoding: Encoding::Plain,
            positions: Positions::Unasked,
            first: None,
            stderr: Vec::new(),
        }
    }

    /// Tells the screen that it may compress its output.
    pub(crate) fn accept_compressed(&mut self) {
        self.encoding = Encoding::Lz4;
        self.outgoing.compress();
    }

    /// Tells the screen to leave at once. Its frames are dropped from now on.
    pub(crate) fn hang_up(&mut self) {
        self.hearing = Hearing::EndOnly;
        self.outgoing.hang_up();
    }

    /// Tells the screen to leave once the program has read what was typed, or at a hang-up. Its frames
    /// are dropped from now on.
    pub(crate) fn leave(&mut self) {
        self.hearing = Hearing::EndOnly;
        self.outgoing.leave();
    }

    /// Ends stdin: a screen that knows no [`Frame::Leave`] leaves by that. A hang-up can no longer reach
    /// it.
    pub(crate) fn end_input(&mut self) {
        self.outgoing.end_stdin();
    }

    /// Whether all that was to be said has left this process.
    pub(crate) fn has_said_all(&self) -> bool {
        self.outgoing.is_empty() && self.socket.is_flushed() && self.writing == Writing::Possible
    }

    /// When something was last sent that the screen may have heard.
    pub(crate) fn last_written(&self) -> Instant {
        self.last_written
    }

    /// The end of what the command said on stderr: what a program in the user's pod says, so it is
    /// logged only where somebody asks for it.
    pub(crate) fn stderr(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

impl<Io> Exec<Io>
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    /// Writes what waits, and waits for what the screen says next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Event, Over> {
        if let Some(first) = self.first.take() {
            return first;
        }
        let frame = self.frame().await?;
        self.event(frame)
    }

    async fn frame(&mut self) -> Result<Frame, Over> {
        poll_fn(|context| self.poll_frame(context)).await
    }

    /// Drops what the screen says until nothing more can come. Cancel safe.
    pub(crate) async fn over(&mut self) -> Over {
        loop {
            if let Err(over) = self.next().await {
                return over;
            }
        }
    }

    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Result<Frame, Over>> {
        if self.writing != Writing::Failed && self.poll_write(context).is_err() {
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
    fn poll_write(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            while self.socket.has_room() && !self.outgoing.is_empty() {
                match self.outgoing.pop(self.protocol).map_err(io::Error::other)? {
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

    fn event(&self, frame: Frame) -> Result<Event, Over> {
        match frame {
            Frame::Output(bytes) => Ok(Event::Output(bytes)),
            Frame::Compressed(output) if self.encoding == Encoding::Lz4 => {
                Ok(Event::Compressed(output))
            }
            Frame::Position { position, screen_bytes } if self.positions == Positions::Said => {
                Ok(Event::Position(OutputPosition { position, screen_bytes }))
            }
            Frame::Exit { code } => Ok(Event::Exited(code)),
            Frame::InputCredit { bytes } => Ok(Event::InputCredit(bytes)),
            Frame::Alive => Ok(Event::Alive),
            // Unasked for, or a second time, of a trunk, and a viewer's words.
            Frame::Compressed(_)
            | Frame::Joined(_)
            | Frame::Position { .. }
            | Frame::ToViewer { .. }
            | Frame::Follows
            | Frame::Left
            | Frame::Compress
            | Frame::Input(_)
            | Frame::Resize { .. }
            | Frame::Ping
            | Frame::OutputCredit { .. }
            | Frame::Interrupt
            | Frame::HangUp
            | Frame::Typed { .. }
            | Frame::FromViewer { .. }
            | Frame::Enter(_)
            | Frame::Redraw { .. }
            | Frame::Leave => Err(Over::Protocol),
        }
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

    fn keep_stderr(&mut self, data: &[u8]) {
        self.stderr.extend_from_slice(&data[data.len().saturating_sub(STDERR_TAIL_BYTES)..]);
        let excess = self.stderr.len().saturating_sub(STDERR_TAIL_BYTES);
        self.stderr.drain(..excess);
    }
}

#[cfg(test)]
pub(crate) mod tests;
