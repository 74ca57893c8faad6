use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{
    MAX_PAYLOAD_BYTES,
    codec::tests::{any_frame, encoded},
    fuzzing::joined,
};

/// All frames of `wire` when it arrives in pieces of these sizes, in turn.
fn received(wire: &[u8], sizes: &[usize]) -> Result<Vec<Frame>, WireError> {
    let (mut deframer, mut frames, mut rest) = (Deframer::new(), vec![], wire);
    for size in sizes.iter().cycle() {
        let (piece, later) = rest.split_at((*size).min(rest.len()));
        deframer.push(Bytes::copy_from_slice(piece));
        while let Some(frame) = deframer.next()? {
            frames.push(frame);
        }
        assert!(deframer.pieces.is_empty() && deframer.head_bytes < CONTROL_FRAME_BYTES);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    Ok(frames)
}

proptest! {
    #[test]
    fn however_the_stream_is_cut_its_frames_and_bytes_are_the_same(
        sent in vec(any_frame(), 0..8),
        sizes in vec(1..40_usize, 1..60),
    ) {
        let wire = encoded(&sent);
        prop_assert_eq!(joined(received(&wire, &sizes).unwrap()), joined(sent));
    }

    #[test]
    fn no_bytes_make_it_panic_and_their_cut_does_not_matter(
        wire in vec(any::<u8>(), 1..64),
        sizes in vec(1..9_usize, 1..9),
    ) {
        let sentence = |result: Result<Vec<Frame>, WireError>| match result {
            Ok(frames) => Ok(joined(frames)),
            Err(error) => Err(error.to_string()),
        };
        let whole = sentence(received(&wire, &[wire.len()]));
        prop_assert_eq!(sentence(received(&wire, &sizes)), whole);
    }
}

#[test]
fn output_is_passed_on_before_its_frame_is_complete_and_is_not_copied() {
    let mut deframer = Deframer::new();
    let piece = Bytes::from_static(b"\0\0\0\x09\x01half");
    deframer.push(piece.clone());
    let Ok(Some(Frame::Output(half))) = deframer.next() else { panic!("no output") };
    assert_eq!(half, "half");
    assert_eq!(half.as_ptr(), piece[5..].as_ptr());
    assert!(matches!(deframer.next(), Ok(None)));

    deframer.push(Bytes::from_static(b"done\0\0\0\x01\x04"));
    assert_eq!(deframer.next().unwrap(), Some(Frame::Output(Bytes::from_static(b"done"))));
    assert_eq!(deframer.next().unwrap(), Some(Frame::Alive));
    assert_eq!(deframer.next().unwrap(), None);
}

#[test]
fn a_piece_may_be_pushed_before_the_last_one_was_taken() {
    let mut deframer = Deframer::new();
    for piece in [&b"\0\0\0\x05\x02\0\0"[..], b"\0", b"\x07\0\0\0\x01\x04"] {
        deframer.push(Bytes::from_static(piece));
    }
    assert_eq!(deframer.next().unwrap(), Some(Frame::Exit { code: 7 }));
    assert_eq!(deframer.next().unwrap(), Some(Frame::Alive));
}

#[test]
fn a_large_frame_of_an_unknown_type_is_skipped_as_it_arrives() {
    let mut wire = vec![0, 1, 0, 1, 0x7f];
    wire.resize(5 + MAX_PAYLOAD_BYTES, b'x');
    wire.extend_from_slice(&encoded(&[Frame::Ping]));
    assert_eq!(received(&wire, &[1000]).unwrap(), [Frame::Ping]);
}

#[test]
fn what_cannot_be_a_frame_is_refused_before_its_payload_arrives() {
    let cases: [(&[u8], &str); 4] = [
        (b"\0\0\0\0", "a frame has no type"),
        (b"\0\x01\0\x02", "a frame carries 65537 bytes, and 65536 is the limit"),
        (b"\0\0\0\x04\x82", "a frame of type 0x82 cannot have 3 bytes"),
        (b"\0\0\0\x02\x85", "a frame of type 0x85 cannot have 1 bytes"),
    ];
    for (wire, sentence) in cases {
        assert_eq!(received(wire, &[1]).unwrap_err().to_string(), sentence);
    }
}
