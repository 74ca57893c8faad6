//! The frames of a WebSocket's server, in parts as they arrive (RFC 6455, section 5). Pure. The
//! headers are read by the library; only that no message is held until it is complete is ours.

use std::io::Cursor;

use bytes::{Buf, Bytes};
use tokio_tungstenite::tungstenite::protocol::frame::{
    FrameHeader,
    coding::{Control, Data, OpCode},
};

/// The longest header: two bytes, a length of eight, a mask of four (section 5.2).
const HEADER_BYTES_MAX: usize = 14;
/// The longest payload of a control frame, in bytes (section 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// Decodes what is pushed. It holds a header or a control frame until that is complete, and
/// nothing else. After an error it cannot go on.
#[derive(Debug, Default)]
pub(super) struct Unframer {
    pieces: Bytes,
    header: [u8; HEADER_BYTES_MAX],
    /// How much of `header` has arrived.
    header_bytes: usize,
    frame: Option<Open>,
    /// Of the control frame that is open.
    control: Vec<u8>,
    message: Message,
}

/// A frame whose header was read.
#[derive(Clone, Copy, Debug)]
struct Open {
    kind: OpCode,
    is_final: bool,
    left_bytes: u64,
}

/// Whether a binary message has begun whose last frame has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Message {
    #[default]
    Between,
    Begun,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The next bytes of a binary message, perhaps none, and whether they are its last.
    Binary {
        bytes: Bytes,
        ends: bool,
    },
    /// To be answered by a pong with the same bytes.
    Ping(Bytes),
    Close,
}

/// What came is not what a server may send to an exec.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a malformed WebSocket frame")]
    Malformed,
    #[error("a frame that is masked, or has an extension's bits")]
    Masked,
    #[error("a message of text")]
    Text,
    #[error("a frame that does not continue what is open")]
    OutOfOrder,
}

impl Unframer {
    /// Takes the next bytes, once [`Self::next`] has none any more.
    pub(super) fn push(&mut self, piece: Bytes) {
        debug_assert!(self.pieces.is_empty(), "all was taken before");
        self.pieces = piece;
    }

    /// The next part of what was pushed.
    pub(super) fn next(&mut self) -> Result<Option<Part>, FrameError> {
        loop {
            let Some(frame) = self.frame.take() else {
                self.frame = self.open()?;
                if self.frame.is_none() {
                    return Ok(None);
                }
                continue;
            };
            if self.pieces.is_empty() && frame.left_bytes > 0 {
                self.frame = Some(frame);
                return Ok(None);
            }
            if let Some(part) = self.part(frame) {
                return Ok(Some(part));
            }
        }
    }

    /// Reads the next header, once it is whole.
    fn open(&mut self) -> Result<Option<Open>, FrameError> {
        let room = &mut self.header[self.header_bytes..];
        let count = room.len().min(self.pieces.len());
        room[..count].copy_from_slice(&self.pieces[..count]);
        let mut cursor = Cursor::new(&self.header[..self.header_bytes + count]);
        let parsed = FrameHeader::parse(&mut cursor).map_err(|_| FrameError::Malformed)?;
        let Some((header, left_bytes)) = parsed else {
            self.header_bytes += count;
            self.pieces.advance(count);
            return Ok(None);
        };
        let length = header.len(left_bytes);
        self.pieces.advance(length.saturating_sub(self.header_bytes));
        self.header_bytes = 0;
        self.allow(&header, left_bytes)?;
        Ok(Some(Open { kind: header.opcode, is_final: header.is_final, left_bytes }))
    }

    fn allow(&mut self, header: &FrameHeader, bytes: u64) -> Result<(), FrameError> {
        if header.mask.is_some() || header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(FrameError::Masked);
        }
        match (header.opcode, self.message) {
            (OpCode::Data(Data::Binary), Message::Between)
            | (OpCode::Data(Data::Continue), Message::Begun) => {
                self.message = if header.is_final { Message::Between } else { Message::Begun };
                Ok(())
            }
            (OpCode::Data(Data::Text), _) => Err(FrameError::Text),
            (OpCode::Data(_), _) => Err(FrameError::OutOfOrder),
            (OpCode::Control(Control::Reserved(_)), _) => Err(FrameError::Malformed),
            (OpCode::Control(_), _) if !header.is_final || bytes > CONTROL_BYTES_MAX => {
                Err(FrameError::Malformed)
            }
            (OpCode::Control(_), _) => Ok(()),
        }
    }

    /// As much of the frame as has arrived. `None` where it says nothing yet.
    fn part(&mut self, mut frame: Open) -> Option<Part> {
        let there = self.pieces.len();
        let count = usize::try_from(frame.left_bytes).map_or(there, |left| left.min(there));
        let bytes = self.pieces.split_to(count);
        frame.left_bytes -= count as u64;
        let whole = frame.left_bytes == 0;
        if !whole {
            self.frame = Some(frame);
        }
        match frame.kind {
            OpCode::Data(_) => {
                let ends = whole && frame.is_final;
                (ends || !bytes.is_empty()).then_some(Part::Binary { bytes, ends })
            }
            OpCode::Control(kind) => {
                self.control.extend_from_slice(&bytes);
                let payload = whole.then(|| std::mem::take(&mut self.control))?;
                match kind {
                    Control::Ping => Some(Part::Ping(payload.into())),
                    Control::Close => Some(Part::Close),
                    Control::Pong | Control::Reserved(_) => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
