//! What fuzzing drives (`e2e/fuzz`): a stream that may be anything, cut anywhere.

use bytes::{Bytes, BytesMut};
use tokio_util::codec::{Decoder, Encoder};

use crate::{Deframer, Frame, FrameCodec};

/// The first byte is the length of the pieces, the rest the stream.
pub fn frames(data: &[u8]) {
    let Some((piece, wire)) = data.split_first() else { return };
    let (whole, whole_ends) = received(wire, wire.len());
    let (cut, cut_ends) = received(wire, usize::from(*piece));
    assert_eq!(joined(cut), joined(whole.clone()), "where the stream is cut has no meaning");
    assert_eq!(cut_ends, whole_ends);
    for frame in whole {
        let mut wire = BytesMut::new();
        // More than arrives at once is no payload that somebody has sent.
        if FrameCodec.encode(frame.clone(), &mut wire).is_ok() {
            assert_eq!(FrameCodec.decode(&mut wire).ok().flatten(), Some(frame));
        }
    }
}

/// What arrives before the first error, in pieces of at most so many bytes, and the error.
fn received(wire: &[u8], piece: usize) -> (Vec<Frame>, Option<String>) {
    let (mut deframer, mut frames) = (Deframer::new(), vec![]);
    for piece in wire.chunks(piece.max(1)) {
        deframer.push(Bytes::copy_from_slice(piece));
        loop {
            match deframer.next() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => return (frames, Some(error.to_string())),
            }
        }
    }
    (frames, None)
}

/// The same stream with as few frames as can be: where a payload is cut, and whether an empty one
/// is passed on, has no meaning.
pub(crate) fn joined(frames: Vec<Frame>) -> Vec<Frame> {
    let mut joined: Vec<Frame> = vec![];
    for frame in frames {
        match (joined.last_mut(), frame) {
            (_, Frame::Output(bytes) | Frame::Input(bytes)) if bytes.is_empty() => {}
            (Some(Frame::Output(before)), Frame::Output(bytes))
            | (Some(Frame::Input(before)), Frame::Input(bytes)) => {
                *before = [&before[..], &bytes].concat().into();
            }
            (_, frame) => joined.push(frame),
        }
    }
    joined
}

#[cfg(test)]
#[test]
fn the_corpus_holds() {
    for data in fixtures::corpus("frames") {
        frames(&data);
    }
}
