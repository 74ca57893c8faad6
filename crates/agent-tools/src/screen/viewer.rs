//! The one who watches: frames in from stdin, frames out to stdout. Must not know what they mean.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use bytes::{Buf, Bytes, BytesMut};
use screen_wire::{Frame, FrameCodec, WireError};
use tokio_util::codec::{Decoder, Encoder};

use super::{descriptor::Descriptor, error::ScreenError};

/// Bytes asked of stdin at once: keystrokes are small, a paste takes a few rounds.
const READ_BYTES: usize = 8 * 1024;

/// Whether more frames are welcome.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Appetite {
    Frames,
    /// Only the news that the viewer has gone.
    Nothing,
}

/// What the viewer says.
pub(crate) struct Inlet {
    stdin: Descriptor,
    codec: FrameCodec,
    /// Received and not yet a frame: at most one frame and a read.
    unread: BytesMut,
}

impl Inlet {
    pub(crate) fn open() -> Result<Self, ScreenError> {
        let stdin = open(io::stdin().as_fd(), "stdin")?;
        Ok(Self { stdin, codec: FrameCodec, unread: BytesMut::new() })
    }

    /// The next frame; `None` when the viewer has gone. Nothing is lost when the wait is given up.
    pub(crate) async fn next(&mut self, appetite: Appetite) -> Result<Option<Frame>, WireError> {
        if appetite == Appetite::Nothing {
            self.stdin.writer_gone().await?;
            return Ok(None);
        }
        loop {
            if let Some(frame) = self.codec.decode(&mut self.unread)? {
                return Ok(Some(frame));
            }
            let mut chunk = [0; READ_BYTES];
            match self.stdin.read(&mut chunk).await? {
                // Also inside a frame: a viewer that died is gone all the same.
                0 => return Ok(None),
                count => self.unread.extend_from_slice(&chunk[..count]),
            }
        }
    }
}

/// What the viewer is told.
pub(crate) struct Outlet {
    stdout: Descriptor,
    codec: FrameCodec,
    /// At most one frame, partly written.
    unsent: BytesMut,
}

impl Outlet {
    pub(crate) fn open() -> Result<Self, ScreenError> {
        let stdout = open(io::stdout().as_fd(), "stdout")?;
        Ok(Self { stdout, codec: FrameCodec, unsent: BytesMut::new() })
    }

    /// Whether the last frame has left.
    pub(crate) fn is_idle(&self) -> bool {
        self.unsent.is_empty()
    }

    /// Takes `frame` as the next to leave; only when idle.
    pub(crate) fn load(&mut self, frame: Frame) -> Result<(), WireError> {
        debug_assert!(self.is_idle(), "one frame at a time");
        self.codec.encode(frame, &mut self.unsent)
    }

    /// Takes what was gathered as the next frame.
    pub(crate) fn load_output(&mut self, gathered: &mut BytesMut) -> Result<(), WireError> {
        self.load(Frame::Output(Bytes::from(gathered.split())))
    }

    /// Waits until some of the frame has left; while idle, until the viewer has gone, which is an error.
    pub(crate) async fn progress(&mut self) -> io::Result<()> {
        if self.is_idle() {
            self.stdout.reader_gone().await?;
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let count = self.stdout.write(&self.unsent).await?;
        self.unsent.advance(count);
        Ok(())
    }
}

fn open(fd: BorrowedFd<'_>, stream: &'static str) -> Result<Descriptor, ScreenError> {
    fd.try_clone_to_owned()
        .and_then(Descriptor::new)
        .map_err(|source| ScreenError::Stream { stream, source })
}
