//! Whole frames to bytes and back. Pure. Payloads are sliced out of the read buffer, never copied.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{
    Compressed, MAX_PAYLOAD_BYTES,
    compressed::{self, BadBlock},
    enter::{ENTER_BYTES, Enter},
    frame::{
        ALIVE, COMPRESS, COMPRESSED, ENTER, EXIT, FOLLOWS, FROM_VIEWER, Frame, HANG_UP, INPUT,
        INPUT_CREDIT, INTERRUPT, JOINED, Joined, LEAVE, LEFT, OUTPUT, OUTPUT_CREDIT, PING,
        POSITION, PRESENCE, REDRAW, RESIZE, TO_VIEWER, TYPED,
    },
    presence::{PRESENCE_BYTES, Presence},
};

pub(crate) const LENGTH_BYTES: usize = 4;
const TYPE_BYTES: usize = 1;
/// The longest payload of a control frame.
pub(crate) const CONTROL_BYTES_MAX: usize = ENTER_BYTES;
/// The payload of [`Frame::Joined`].
const JOINED_BYTES: usize = 16;
/// The length and the type.
pub(crate) const HEADER_BYTES: usize = LENGTH_BYTES + TYPE_BYTES;

/// The framing of both directions; it holds no state, a clone is as good as the original.
#[derive(Clone, Copy, Debug, Default)]
pub struct FrameCodec;

/// After any of these the stream cannot be trusted any further.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    #[error("a frame carries {bytes} bytes, and {MAX_PAYLOAD_BYTES} is the limit")]
    Oversize { bytes: usize },
    #[error("a frame has no type")]
    Untyped,
    #[error("a frame of type {kind:#04x} cannot have {bytes} bytes")]
    Malformed { kind: u8, bytes: usize },
    #[error(transparent)]
    Compressed(#[from] BadBlock),
    #[error("the stream ended inside a frame, or failed")]
    Io(#[from] io::Error),
}

/// What the type of a frame says about its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Output,
    Input,
    /// Output that makes sense as a whole only.
    Compressed,
    /// A frame whose payload is always this long.
    Control {
        payload_bytes: usize,
    },
    /// From a newer peer.
    Unknown,
}

impl FrameCodec {
    /// Appends the header of an output frame, for a sender that writes the payload from where it
    /// is.
    pub fn encode_output_header(payload_bytes: usize, dst: &mut BytesMut) -> Result<(), WireError> {
        put_header(dst, OUTPUT, payload_bytes)
    }

    /// The same for compressed output: all but the block.
    pub fn encode_compressed_header(
        output_bytes: u32,
        block_bytes: usize,
        dst: &mut BytesMut,
    ) -> Result<(), WireError> {
        put_header(dst, COMPRESSED, compressed::LENGTH_BYTES + block_bytes)?;
        dst.put_u32(output_bytes);
        Ok(())
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = WireError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, WireError> {
        while let Some((kind, payload)) = split_frame(src)? {
            match kind_of(kind, payload.len())? {
                Kind::Output => return Ok(Some(Frame::Output(payload))),
                Kind::Input => return Ok(Some(Frame::Input(payload))),
                Kind::Compressed => return compressed(payload).map(Some),
                Kind::Control { .. } => return Ok(control(kind, &payload)),
                Kind::Unknown => {}
            }
        }
        Ok(None)
    }
}

impl Encoder<Frame> for FrameCodec {
    type Error = WireError;

    fn encode(&mut self, frame: Frame, dst: &mut BytesMut) -> Result<(), WireError> {
        match frame {
            Frame::Output(bytes) => put(dst, OUTPUT, &bytes),
            Frame::Exit { code } => put(dst, EXIT, &code.to_be_bytes()),
            Frame::InputCredit { bytes } => put(dst, INPUT_CREDIT, &bytes.to_be_bytes()),
            Frame::Alive => put(dst, ALIVE, &[]),
            Frame::Compressed(output) => {
                let block = output.block();
                Self::encode_compressed_header(output.output_bytes(), block.len(), dst)?;
                dst.put_slice(block);
                Ok(())
            }
            Frame::Input(bytes) => put(dst, INPUT, &bytes),
            Frame::Resize { columns, rows } => {
                let ([a, b], [c, d]) = (columns.to_be_bytes(), rows.to_be_bytes());
                put(dst, RESIZE, &[a, b, c, d])
            }
            Frame::Ping => put(dst, PING, &[]),
            Frame::OutputCredit { bytes } => put(dst, OUTPUT_CREDIT, &bytes.to_be_bytes()),
            Frame::Interrupt => put(dst, INTERRUPT, &[]),
            Frame::HangUp => put(dst, HANG_UP, &[]),
            Frame::Compress => put(dst, COMPRESS, &[]),
            Frame::Leave => put(dst, LEAVE, &[]),
            Frame::Joined(Joined { terminal, typed }) => {
                put_numbers(dst, JOINED, terminal, &typed.to_be_bytes())
            }
            Frame::Position { position, screen_bytes } => {
                put_numbers(dst, POSITION, position, &screen_bytes.to_be_bytes())
            }
            Frame::Typed { position, interrupts } => {
                put_numbers(dst, TYPED, position, &interrupts.to_be_bytes())
            }
            Frame::ToViewer { viewer } => put(dst, TO_VIEWER, &viewer.to_be_bytes()),
            Frame::Follows => put(dst, FOLLOWS, &[]),
            Frame::Left => put(dst, LEFT, &[]),
            Frame::FromViewer { viewer } => put(dst, FROM_VIEWER, &viewer.to_be_bytes()),
            Frame::Enter(enter) => {
                put_header(dst, ENTER, ENTER_BYTES)?;
                enter.encode(dst);
                Ok(())
            }
            Frame::Presence(presence) => {
                put_header(dst, PRESENCE, PRESENCE_BYTES)?;
                presence.encode(dst);
                Ok(())
            }
            Frame::Redraw { unacknowledged } => put(dst, REDRAW, &unacknowledged.to_be_bytes()),
        }
    }
}

/// How long the payload is, by the first bytes of a frame. Refused before it is gathered: a peer
/// does not decide how much memory it gets.
pub(crate) fn payload_bytes(length: [u8; LENGTH_BYTES]) -> Result<usize, WireError> {
    // No target of ours has a usize below 32 bits; the fallback is refused just below.
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    match length.checked_sub(TYPE_BYTES) {
        None => Err(WireError::Untyped),
        Some(bytes) if bytes > MAX_PAYLOAD_BYTES => Err(WireError::Oversize { bytes }),
        Some(bytes) => Ok(bytes),
    }
}

pub(crate) fn kind_of(kind: u8, bytes: usize) -> Result<Kind, WireError> {
    let payload_bytes = match kind {
        OUTPUT => return Ok(Kind::Output),
        INPUT => return Ok(Kind::Input),
        EXIT | INPUT_CREDIT | RESIZE | OUTPUT_CREDIT | TO_VIEWER | FROM_VIEWER | REDRAW => 4,
        POSITION | TYPED => 12,
        JOINED => JOINED_BYTES,
        ENTER => ENTER_BYTES,
        PRESENCE => PRESENCE_BYTES,
        COMPRESSED if bytes > compressed::LENGTH_BYTES => return Ok(Kind::Compressed),
        COMPRESSED => return Err(WireError::Malformed { kind, bytes }),
        ALIVE | PING | INTERRUPT | HANG_UP | COMPRESS | LEAVE | FOLLOWS | LEFT => 0,
        _ => return Ok(Kind::Unknown),
    };
    if bytes == payload_bytes {
        Ok(Kind::Control { payload_bytes })
    } else {
        Err(WireError::Malformed { kind, bytes })
    }
}

/// The control frame of type `kind`, whose payload has the length that [`kind_of`] demands.
pub(crate) fn control(kind: u8, payload: &[u8]) -> Option<Frame> {
    let word = || payload.first_chunk::<4>().copied();
    let last_word = || payload.last_chunk::<4>().copied().map(u32::from_be_bytes);
    let long = |at: usize| payload.get(at..)?.first_chunk::<8>().copied().map(u64::from_be_bytes);
    let frame = match kind {
        EXIT => Frame::Exit { code: i32::from_be_bytes(word()?) },
        INPUT_CREDIT => Frame::InputCredit { bytes: u32::from_be_bytes(word()?) },
        ALIVE => Frame::Alive,
        RESIZE => {
            let [a, b, c, d] = word()?;
            let (columns, rows) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            Frame::Resize { columns, rows }
        }
        PING => Frame::Ping,
        OUTPUT_CREDIT => Frame::OutputCredit { bytes: u32::from_be_bytes(word()?) },
        INTERRUPT => Frame::Interrupt,
        HANG_UP => Frame::HangUp,
        COMPRESS => Frame::Compress,
        LEAVE => Frame::Leave,
        JOINED => Frame::Joined(Joined { terminal: long(0)?, typed: long(8)? }),
        POSITION => Frame::Position { position: long(0)?, screen_bytes: last_word()? },
        TYPED => Frame::Typed { position: long(0)?, interrupts: last_word()? },
        TO_VIEWER => Frame::ToViewer { viewer: last_word()? },
        FOLLOWS => Frame::Follows,
        LEFT => Frame::Left,
        FROM_VIEWER => Frame::FromViewer { viewer: last_word()? },
        ENTER => Frame::Enter(Enter::decode(payload)?),
        PRESENCE => Frame::Presence(Presence::decode(payload)?),
        REDRAW => Frame::Redraw { unacknowledged: last_word()? },
        _ => return None,
    };
    Some(frame)
}

/// The frame of compressed output with this payload, which [`kind_of`] has seen to be long enough.
pub(crate) fn compressed(mut payload: Bytes) -> Result<Frame, WireError> {
    let output_bytes = payload.try_get_u32().map_err(|_| BadBlock)?;
    Ok(Frame::Compressed(Compressed::new(output_bytes, payload)?))
}

/// Takes the next whole frame off `src`, or leaves a partial one there.
fn split_frame(src: &mut BytesMut) -> Result<Option<(u8, Bytes)>, WireError> {
    let Some(length) = src.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    let payload_bytes = payload_bytes(*length)?;
    let frame_bytes = HEADER_BYTES + payload_bytes;
    if src.len() < frame_bytes {
        src.reserve(frame_bytes - src.len());
        return Ok(None);
    }
    src.advance(LENGTH_BYTES);
    let kind = src.get_u8();
    Ok(Some((kind, src.split_to(payload_bytes).freeze())))
}

fn put(dst: &mut BytesMut, kind: u8, payload: &[u8]) -> Result<(), WireError> {
    // No more than a whole frame, should the payload be refused.
    dst.reserve(HEADER_BYTES + payload.len().min(MAX_PAYLOAD_BYTES));
    put_header(dst, kind, payload.len())?;
    dst.put_slice(payload);
    Ok(())
}

/// A payload of a number and what is after it.
fn put_numbers(dst: &mut BytesMut, kind: u8, first: u64, rest: &[u8]) -> Result<(), WireError> {
    put_header(dst, kind, size_of_val(&first) + rest.len())?;
    dst.put_u64(first);
    dst.put_slice(rest);
    Ok(())
}

fn put_header(dst: &mut BytesMut, kind: u8, payload_bytes: usize) -> Result<(), WireError> {
    let oversize = WireError::Oversize { bytes: payload_bytes };
    if payload_bytes > MAX_PAYLOAD_BYTES {
        return Err(oversize);
    }
    let length = u32::try_from(TYPE_BYTES + payload_bytes).map_err(|_| oversize)?;
    dst.put_u32(length);
    dst.put_u8(kind);
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
