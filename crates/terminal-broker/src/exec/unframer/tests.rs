use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::frame::{CloseFrame, Frame, coding::CloseCode};

use super::*;

fn binary(bytes: &[u8]) -> Frame {
    frame(Data::Binary, bytes, true)
}

fn frame(kind: Data, bytes: &[u8], is_final: bool) -> Frame {
    Frame::message(bytes.to_vec(), OpCode::Data(kind), is_final)
}

fn wire(frames: impl IntoIterator<Item = Frame>) -> Bytes {
    let mut bytes = Vec::new();
    for frame in frames {
        frame.format(&mut bytes).unwrap();
    }
    bytes.into()
}

/// What comes of `wire`, arriving in pieces of `step` bytes.
fn parts(wire: &Bytes, step: usize) -> Result<Vec<Part>, FrameError> {
    let (mut unframer, mut parts) = (Unframer::default(), Vec::new());
    for piece in wire.chunks(step) {
        unframer.push(Bytes::copy_from_slice(piece));
        while let Some(part) = unframer.next()? {
            parts.push(part);
        }
    }
    Ok(parts)
}

fn whole(wire: &Bytes) -> Result<Vec<Part>, FrameError> {
    parts(wire, wire.len())
}

fn part(bytes: &[u8], ends: bool) -> Part {
    Part::Binary { bytes: Bytes::copy_from_slice(bytes), ends }
}

#[test]
fn messages_of_every_length_format() {
    for length in [0, 1, 125, 126, 65_535, 65_536] {
        let payload = vec![7; length];
        assert_eq!(whole(&wire([binary(&payload)])), Ok(vec![part(&payload, true)]), "{length}");
    }
}

#[test]
fn a_payload_is_passed_on_before_it_is_complete() {
    let wire = wire([binary(b"hello")]);
    assert_eq!(whole(&wire.slice(..4)), Ok(vec![part(b"he", false)]));
}

#[test]
fn control_frames_may_come_between_the_frames_of_a_message() {
    let frames = [
        frame(Data::Binary, b"a", false),
        Frame::ping(&b"there?"[..]),
        Frame::pong(&b"here"[..]),
        frame(Data::Continue, b"", false),
        frame(Data::Continue, b"b", true),
        Frame::close(Some(CloseFrame { code: CloseCode::Normal, reason: "bye".into() })),
    ];
    let expected = [part(b"a", false), Part::Ping("there?".into()), part(b"b", true), Part::Close];
    assert_eq!(whole(&wire(frames)), Ok(expected.to_vec()));
}

#[test]
fn what_no_server_may_send_is_refused() {
    let mut masked = binary(b"x");
    masked.header_mut().mask = Some([1, 2, 3, 4]);
    let mut extended = binary(b"x");
    extended.header_mut().rsv1 = true;
    let mut torn = Frame::ping(&b"x"[..]);
    torn.header_mut().is_final = false;
    let cases = [
        ("masked", vec![masked], FrameError::Masked),
        ("an extension", vec![extended], FrameError::Masked),
        ("text", vec![frame(Data::Text, b"x", true)], FrameError::Text),
        ("nothing is open", vec![frame(Data::Continue, b"x", true)], FrameError::OutOfOrder),
        (
            "one is open",
            vec![frame(Data::Binary, b"x", false), binary(b"y")],
            FrameError::OutOfOrder,
        ),
        ("control in parts", vec![torn], FrameError::Malformed),
        ("long control", vec![Frame::ping(vec![0; 126])], FrameError::Malformed),
    ];
    for (name, frames, expected) in cases {
        assert_eq!(whole(&wire(frames)), Err(expected), "{name}");
    }
    let reserved = Bytes::from_static(&[0x8b, 0]);
    assert_eq!(whole(&reserved), Err(FrameError::Malformed));
}

proptest! {
    #[test]
    fn pieces_of_any_size_come_to_the_same(
        messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..8),
        step in 1_usize..700,
    ) {
        let wire = wire(messages.iter().map(|message| binary(message)));
        let mut joined = vec![Vec::new()];
        for part in parts(&wire, step).unwrap() {
            let Part::Binary { bytes, ends } = part else { panic!("{part:?}") };
            joined.last_mut().unwrap().extend_from_slice(&bytes);
            if ends {
                joined.push(Vec::new());
            }
        }
        prop_assert_eq!(joined.pop(), Some(Vec::new()));
        prop_assert_eq!(joined, messages);
    }

    #[test]
    fn noise_does_not_stop_the_process(noise in prop::collection::vec(any::<u8>(), 0..500)) {
        let _ = parts(&noise.into(), 7);
    }
}
