//! One open exec of one viewer as a plain struct that its session polls.

use std::future::poll_fn;

use screen_wire::Frame;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{
    event::{Event, Over},
    frames::{Frames, Outbox},
    outgoing::Outgoing,
};
use crate::viewer::Encoding;

mod first;

/// An open exec.
pub(crate) struct Exec<Io> {
    frames: Frames<Io>,
    /// Frames that the session wants written.
    pub(super) outgoing: Outgoing,
    encoding: Encoding,
    positions: Positions,
    /// What came before anybody else listened.
    first: Option<Result<Event, Over>>,
}

/// Whether the screen says where in the program's output one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Positions {
    Unasked,
    Said,
}

impl<Io> Exec<Io> {
    pub(super) fn new(frames: Frames<Io>) -> Self {
        Self {
            frames,
            outgoing: Outgoing::default(),
            encoding: Encoding::Plain,
            positions: Positions::Unasked,
            first: None,
        }
    }

    /// Tells the screen that it may compress its output.
    pub(crate) fn accept_compressed(&mut self) {
        self.encoding = Encoding::Lz4;
        self.outgoing.compress();
    }

    /// Tells the screen to leave at once. Its frames are dropped from now on.
    pub(super) fn hang_up(&mut self) {
        self.frames.hear_the_end_only();
        self.outgoing.hang_up();
    }

    /// Tells the screen to leave once the program has read what was typed, or at a hang-up. Its frames
    /// are dropped from now on.
    pub(super) fn leave(&mut self) {
        self.frames.hear_the_end_only();
        self.outgoing.leave();
    }

    /// Ends stdin: a screen that knows no [`Frame::Leave`] leaves by that. A hang-up can no longer reach
    /// it.
    pub(super) fn end_input(&mut self) {
        self.outgoing.end_stdin();
    }

    /// Whether all that was to be said has left this process.
    pub(super) fn has_said_all(&self) -> bool {
        self.outgoing.is_empty() && self.frames.is_flushed()
    }

    /// When something was last sent that the screen may have heard.
    pub(super) fn last_written(&self) -> Instant {
        self.frames.last_written()
    }

    /// See [`Frames::stderr`].
    pub(super) fn stderr(&self) -> String {
        self.frames.stderr()
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
        let Self { frames, outgoing, .. } = self;
        poll_fn(|context| frames.poll_next(context, outgoing)).await
    }

    fn event(&self, frame: Frame) -> Result<Event, Over> {
        match frame {
            // Unasked for.
            Frame::Compressed(_) if self.encoding != Encoding::Lz4 => Err(Over::Protocol),
            Frame::Position { .. } | Frame::Presence(_) if self.positions != Positions::Said => {
                Err(Over::Protocol)
            }
            frame => Event::of(frame).ok_or(Over::Protocol),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
