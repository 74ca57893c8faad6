//! One who watches: frames in from its stdin, frames out to its stdout. Must not know what they mean.

use std::{
    io::{self, IoSlice},
    os::fd::OwnedFd,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use screen_wire::{Compressor, Deframer, Frame, FrameCodec, MAX_PAYLOAD_BYTES, WireError};
use tokio::io::Interest;
use tokio_util::codec::Encoder;

use super::{descriptor::Descriptor, error::ScreenError};

/// Bytes asked of stdin at once: keystrokes are small, a paste takes a few rounds.
const READ_BYTES: usize = 16 * 1024;

/// Whether the viewer may still say something.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Input {
    Open,
    Ended,
}

/// What the viewer says.
pub(crate) struct Inlet {
    stdin: Descriptor,
    /// Empty but for its capacity while nothing is read.
    chunk: Vec<u8>,
    deframer: Deframer,
}

impl Inlet {
    pub(crate) fn new(stdin: OwnedFd) -> Result<Self, ScreenError> {
        let stdin = open(stdin, "stdin", Interest::READABLE)?;
        Ok(Self { stdin, chunk: vec![], deframer: Deframer::new() })
    }

    /// Waits for the next bytes, whose frames are to be had by [`Inlet::next`].
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Input>> {
        self.chunk.reserve(READ_BYTES);
        if ready!(self.stdin.poll_append(cx, &mut self.chunk))? == 0 {
            // Also inside a frame: a viewer that died is gone all the same.
            return Poll::Ready(Ok(Input::Ended));
        }
        self.deframer.push(Bytes::from(std::mem::take(&mut self.chunk)));
        Poll::Ready(Ok(Input::Open))
    }

    /// The next frame of what was read, or part of one.
    pub(crate) fn next(&mut self) -> Result<Option<Frame>, WireError> {
        self.deframer.next()
    }
}

/// Output that waits to be sent: at most one frame.
pub(crate) struct Gathered {
    /// Zeroed once, then written over.
    bytes: Box<[u8]>,
    len: usize,
}

impl Gathered {
    pub(crate) fn new() -> Self {
        Self { bytes: Box::default(), len: 0 }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Takes as much of `more` as there is room for, and says how much.
    pub(crate) fn append(&mut self, more: &[u8]) -> usize {
        if self.bytes.is_empty() {
            self.bytes = vec![0; MAX_PAYLOAD_BYTES].into_boxed_slice();
        }
        let count = more.len().min(MAX_PAYLOAD_BYTES - self.len);
        self.bytes[self.len..][..count].copy_from_slice(&more[..count]);
        self.len += count;
        count
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// What the viewer is told.
pub(crate) struct Outlet {
    stdout: Descriptor,
    /// Whole control frames, then the header of the output, if there is any.
    head: BytesMut,
    output: Gathered,
    /// Once the viewer can decompress.
    compressor: Option<Compressor>,
    body: Body,
    /// How much of head and body has left.
    written: usize,
}

/// What follows the head.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Body {
    /// The output, perhaps none.
    Plain,
    /// The compressor's last block.
    Compressed,
}

impl Outlet {
    pub(crate) fn new(stdout: OwnedFd) -> Result<Self, ScreenError> {
        let stdout = open(stdout, "stdout", Interest::WRITABLE)?;
        let (head, output) = (BytesMut::new(), Gathered::new());
        Ok(Self { stdout, head, output, compressor: None, body: Body::Plain, written: 0 })
    }

    /// The viewer can decompress.
    pub(crate) fn compress(&mut self) {
        // What is under way may be the last block.
        self.compressor.get_or_insert_default();
    }

    /// Whether the last frames have left.
    pub(crate) fn is_idle(&self) -> bool {
        self.written == self.head.len() + self.body().len()
    }

    /// Begins with what is to leave next; only when idle.
    pub(crate) fn begin(&mut self) {
        debug_assert!(self.is_idle(), "one load at a time");
        self.head.clear();
        self.written = 0;
        self.output.clear();
        self.body = Body::Plain;
    }

    /// Appends a control frame to it.
    pub(crate) fn say(&mut self, frame: Frame) -> Result<(), WireError> {
        FrameCodec.encode(frame, &mut self.head)
    }

    /// Takes all of `gathered` as the end of it.
    pub(crate) fn show(&mut self, gathered: &mut Gathered) -> Result<(), WireError> {
        if gathered.is_empty() {
            return Ok(());
        }
        let compressor = self.compressor.as_mut();
        if let Some(block) = compressor.and_then(|it| it.compress(gathered.filled())) {
            // At most 64 KiB.
            let output_bytes = u32::try_from(gathered.len()).unwrap_or(u32::MAX);
            FrameCodec::encode_compressed_header(output_bytes, block.len(), &mut self.head)?;
            self.body = Body::Compressed;
            gathered.clear();
        } else {
            FrameCodec::encode_output_header(gathered.len(), &mut self.head)?;
            std::mem::swap(&mut self.output, gathered);
        }
        Ok(())
    }

    fn body(&self) -> &[u8] {
        match (self.body, &self.compressor) {
            (Body::Compressed, Some(compressor)) => compressor.block(),
            (Body::Plain, _) | (Body::Compressed, None) => self.output.filled(),
        }
    }

    /// Writes what stdout takes without waiting.
    pub(crate) fn write_now(&mut self) -> io::Result<()> {
        self.written += self.stdout.write_vectored_now(&self.unwritten())?;
        Ok(())
    }

    /// Waits until some more has left.
    pub(crate) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.written += ready!(self.stdout.poll_write_vectored(cx, &self.unwritten()))?;
        Poll::Ready(Ok(()))
    }

    fn unwritten(&self) -> [IoSlice<'_>; 2] {
        let of_head = self.written.min(self.head.len());
        let of_body = self.written - of_head;
        [&self.head[of_head..], &self.body()[of_body..]].map(IoSlice::new)
    }
}

/// Returns when nobody reads stdout any more.
pub(crate) async fn gone(stdout: OwnedFd) -> Result<(), ScreenError> {
    let stdout = open(stdout, "stdout", Interest::ERROR)?;
    stdout.reader_gone().await.map_err(ScreenError::Output)
}

fn open(fd: OwnedFd, stream: &'static str, interest: Interest) -> Result<Descriptor, ScreenError> {
    Descriptor::new(fd, interest).map_err(|source| ScreenError::Stream { stream, source })
}
