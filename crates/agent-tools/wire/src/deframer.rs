//! A stream of bytes to frames as it arrives. Pure. It must not copy terminal bytes, nor keep them
//! back until their frame is complete.

use bytes::{Buf, Bytes, BytesMut};

use crate::{
    codec::{
        CONTROL_BYTES_MAX, HEADER_BYTES, Kind, LENGTH_BYTES, WireError, compressed, control,
        kind_of, payload_bytes,
    },
    frame::Frame,
};

/// Of all frames that are decoded whole, none is longer.
const CONTROL_FRAME_BYTES: usize = HEADER_BYTES + CONTROL_BYTES_MAX;

/// Decodes what is pushed, piece by piece: an [`Frame::Output`] or [`Frame::Input`] comes in as
/// many parts as it arrives in, none of them empty, each a slice of what was pushed. After an error
/// it cannot go on.
///
/// Between two pieces it holds less than one frame of control or of compressed output; the rest is
/// what the caller has pushed and not yet taken by [`Deframer::next`].
#[derive(Debug)]
pub struct Deframer {
    pieces: Bytes,
    /// The start of a frame, cut anywhere.
    head: [u8; CONTROL_FRAME_BYTES],
    /// How much of `head` has arrived.
    head_bytes: usize,
    payload: Option<Payload>,
    /// Of a payload that is needed as a whole.
    gathered: BytesMut,
}

impl Default for Deframer {
    fn default() -> Self {
        Self::new()
    }
}

/// The payload that is passed on, or skipped, as it arrives.
#[derive(Debug)]
struct Payload {
    kind: Kind,
    left_bytes: usize,
}

impl Deframer {
    pub fn new() -> Self {
        let (pieces, gathered) = (Bytes::new(), BytesMut::new());
        Self { pieces, head: [0; CONTROL_FRAME_BYTES], head_bytes: 0, payload: None, gathered }
    }

    /// Takes the next piece of the stream. Cheap when everything before has been taken by
    /// [`Deframer::next`]; otherwise the two are joined by copying.
    pub fn push(&mut self, piece: Bytes) {
        if self.pieces.is_empty() {
            self.pieces = piece;
        } else {
            let mut joined = BytesMut::from(&self.pieces[..]);
            joined.extend_from_slice(&piece);
            self.pieces = joined.freeze();
        }
    }

    /// The next frame, or part of one; `None` when the next piece is needed first.
    #[expect(clippy::should_implement_trait, reason = "an iterator would be expected to end")]
    pub fn next(&mut self) -> Result<Option<Frame>, WireError> {
        loop {
            let frame = match self.payload.take() {
                Some(payload) => self.part(payload)?,
                None => self.start()?,
            };
            // Without a frame: a skipped payload, or a start whose payload follows, or nothing is
            // left.
            if frame.is_some() || self.pieces.is_empty() {
                return Ok(frame);
            }
        }
    }

    /// As much of the payload as has arrived.
    fn part(&mut self, mut payload: Payload) -> Result<Option<Frame>, WireError> {
        let part = self.pieces.split_to(payload.left_bytes.min(self.pieces.len()));
        payload.left_bytes -= part.len();
        let (kind, left_bytes) = (payload.kind, payload.left_bytes);
        if left_bytes > 0 {
            self.payload = Some(payload);
        }
        Ok(match kind {
            _ if part.is_empty() => None,
            Kind::Output => Some(Frame::Output(part)),
            Kind::Input => Some(Frame::Input(part)),
            Kind::Compressed => self.whole(part, left_bytes).map(compressed).transpose()?,
            Kind::Control { .. } | Kind::Unknown => None,
        })
    }

    /// The payload that ends with `part`, copied only where it came in several.
    fn whole(&mut self, part: Bytes, left_bytes: usize) -> Option<Bytes> {
        if left_bytes == 0 && self.gathered.is_empty() {
            return Some(part);
        }
        self.gathered.reserve(part.len() + left_bytes);
        self.gathered.extend_from_slice(&part);
        (left_bytes == 0).then(|| std::mem::take(&mut self.gathered).freeze())
    }

    /// The next control frame, or the start of another.
    fn start(&mut self) -> Result<Option<Frame>, WireError> {
        let Some(length) = self.gathered::<LENGTH_BYTES>() else {
            return Ok(None);
        };
        let left_bytes = payload_bytes(length)?;
        let Some([.., number]) = self.gathered::<HEADER_BYTES>() else {
            return Ok(None);
        };
        match kind_of(number, left_bytes)? {
            Kind::Control { payload_bytes } => {
                let frame_bytes = HEADER_BYTES + payload_bytes;
                if !self.gather(frame_bytes) {
                    return Ok(None);
                }
                self.head_bytes = 0;
                Ok(control(number, &self.head[HEADER_BYTES..frame_bytes]))
            }
            kind => {
                self.head_bytes = 0;
                self.payload = Some(Payload { kind, left_bytes });
                Ok(None)
            }
        }
    }

    /// The first `N` bytes of the head, once they are there.
    fn gathered<const N: usize>(&mut self) -> Option<[u8; N]> {
        if self.gather(N) { self.head.first_chunk().copied() } else { None }
    }

    /// Whether so much of the head is there now.
    fn gather(&mut self, bytes: usize) -> bool {
        let missing = bytes.saturating_sub(self.head_bytes).min(self.pieces.len());
        self.pieces.copy_to_slice(&mut self.head[self.head_bytes..][..missing]);
        self.head_bytes += missing;
        self.head_bytes >= bytes
    }
}

#[cfg(test)]
mod tests;
