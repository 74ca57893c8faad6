//! Bytes to frames and back. Payloads are sliced out of the read buffer, never copied.

use std::io;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{
    MAX_PAYLOAD_BYTES,
    frame::{EXIT, Frame, INPUT, OUTPUT, RESIZE},
};

const LENGTH_BYTES: usize = 4;
const TYPE_BYTES: usize = 1;

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
    #[error("the stream ended inside a frame, or failed")]
    Io(#[from] io::Error),
}

impl WireError {
    /// A short, constant name for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Oversize { .. } => "oversize",
            Self::Untyped => "untyped",
            Self::Malformed { .. } => "malformed",
            Self::Io(_) => "io",
        }
    }
}

impl Decoder for FrameCodec {
    type Item = Frame;
    type Error = WireError;

    fn decode(&mut self, src: &mut BytesMut) -> Result<Option<Frame>, WireError> {
        while let Some((kind, payload)) = split_frame(src)? {
            if let Some(frame) = parse(kind, payload)? {
                return Ok(Some(frame));
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
            Frame::Input(bytes) => put(dst, INPUT, &bytes),
            Frame::Exit { code } => put(dst, EXIT, &code.to_be_bytes()),
            Frame::Resize { columns, rows } => {
                let ([a, b], [c, d]) = (columns.to_be_bytes(), rows.to_be_bytes());
                put(dst, RESIZE, &[a, b, c, d])
            }
        }
    }
}

/// Takes the next whole frame off `src`, or leaves a partial one there.
fn split_frame(src: &mut BytesMut) -> Result<Option<(u8, Bytes)>, WireError> {
    let Some(prefix) = src.first_chunk::<LENGTH_BYTES>() else {
        return Ok(None);
    };
    // No target of ours has a usize below 32 bits; the fallback is refused just below.
    let length = usize::try_from(u32::from_be_bytes(*prefix)).unwrap_or(usize::MAX);
    let Some(payload_bytes) = length.checked_sub(TYPE_BYTES) else {
        return Err(WireError::Untyped);
    };
    // Refused before it is gathered: a peer does not decide how much memory it gets.
    if payload_bytes > MAX_PAYLOAD_BYTES {
        return Err(WireError::Oversize { bytes: payload_bytes });
    }
    if src.len() < LENGTH_BYTES + length {
        src.reserve(LENGTH_BYTES + length - src.len());
        return Ok(None);
    }
    src.advance(LENGTH_BYTES);
    let kind = src.get_u8();
    Ok(Some((kind, src.split_to(payload_bytes).freeze())))
}

/// `None` is a type from a newer peer.
fn parse(kind: u8, payload: Bytes) -> Result<Option<Frame>, WireError> {
    let malformed = WireError::Malformed { kind, bytes: payload.len() };
    let frame = match kind {
        OUTPUT => Frame::Output(payload),
        INPUT => Frame::Input(payload),
        EXIT => match <[u8; 4]>::try_from(&payload[..]) {
            Ok(code) => Frame::Exit { code: i32::from_be_bytes(code) },
            Err(_) => return Err(malformed),
        },
        RESIZE => match <[u8; 4]>::try_from(&payload[..]) {
            Ok([a, b, c, d]) => {
                let (columns, rows) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
                Frame::Resize { columns, rows }
            }
            Err(_) => return Err(malformed),
        },
        _ => return Ok(None),
    };
    Ok(Some(frame))
}

fn put(dst: &mut BytesMut, kind: u8, payload: &[u8]) -> Result<(), WireError> {
    let oversize = WireError::Oversize { bytes: payload.len() };
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(oversize);
    }
    let length = u32::try_from(TYPE_BYTES + payload.len()).map_err(|_| oversize)?;
    dst.reserve(LENGTH_BYTES + TYPE_BYTES + payload.len());
    dst.put_u32(length);
    dst.put_u8(kind);
    dst.put_slice(payload);
    Ok(())
}

#[cfg(test)]
mod tests;
