use proptest::{collection::vec, prelude::*};

use super::*;
use crate::{Join, LastTyped, Viewer};

pub(crate) fn encoded(frames: &[Frame]) -> BytesMut {
    let mut wire = BytesMut::new();
    for frame in frames {
        FrameCodec.encode(frame.clone(), &mut wire).unwrap();
    }
    wire
}

fn decoded(wire: &[u8]) -> Result<Vec<Frame>, WireError> {
    let mut src = BytesMut::from(wire);
    let mut frames = vec![];
    while let Some(frame) = FrameCodec.decode(&mut src)? {
        frames.push(frame);
    }
    Ok(frames)
}

pub(crate) fn any_frame() -> impl Strategy<Value = Frame> {
    let bytes = || vec(any::<u8>(), 0..200).prop_map(Bytes::from);
    prop_oneof![
        bytes().prop_map(Frame::Output),
        bytes().prop_map(Frame::Input),
        any::<i32>().prop_map(|code| Frame::Exit { code }),
        any::<(u16, u16)>().prop_map(|(columns, rows)| Frame::Resize { columns, rows }),
        any::<u32>().prop_map(|bytes| Frame::InputCredit { bytes }),
        any::<u32>().prop_map(|bytes| Frame::OutputCredit { bytes }),
        Just(Frame::Alive),
        Just(Frame::Ping),
        Just(Frame::Interrupt),
        Just(Frame::HangUp),
        Just(Frame::Compress),
        Just(Frame::Leave),
        any::<(u64, u64)>().prop_map(|(terminal, typed)| Frame::Joined(Joined { terminal, typed })),
        any::<(u64, u32)>()
            .prop_map(|(position, screen_bytes)| Frame::Position { position, screen_bytes }),
        any::<(u64, u32)>()
            .prop_map(|(position, interrupts)| Frame::Typed { position, interrupts }),
        any::<u32>().prop_map(|viewer| Frame::ToViewer { viewer }),
        any::<u32>().prop_map(|viewer| Frame::FromViewer { viewer }),
        any::<u32>().prop_map(|unacknowledged| Frame::Redraw { unacknowledged }),
        Just(Frame::Follows),
        Just(Frame::Left),
        any_presence().prop_map(Frame::Presence),
        any_enter().prop_map(Frame::Enter),
        (200..=65_536_u32, vec(any::<u8>(), 1..200)).prop_map(|(bytes, block)| {
            Frame::Compressed(Compressed::new(bytes, block.into()).unwrap())
        }),
    ]
}

fn any_presence() -> impl Strategy<Value = Presence> {
    let typed =
        prop_oneof![Just(LastTyped::Nobody), Just(LastTyped::You), Just(LastTyped::Another)];
    (any::<(u16, u16, u16)>(), typed).prop_map(|((columns, rows, viewers), typed)| Presence {
        columns,
        rows,
        viewers,
        typed,
    })
}

fn any_enter() -> impl Strategy<Value = Enter> {
    let join = any::<([u8; 16], u64, Option<u64>, u64, u64, u32)>();
    let join = join.prop_map(|(viewer, terminal, drawn, typed_from, typed_to, interrupts)| Join {
        viewer: Viewer::from_bytes(viewer),
        terminal,
        drawn,
        typed_from,
        typed_to,
        interrupts,
    });
    (any::<(u16, u16, u32)>(), join).prop_map(|((columns, rows, window_bytes), join)| Enter {
        columns,
        rows,
        window_bytes,
        join,
    })
}

proptest! {
    #[test]
    fn what_is_sent_is_received_however_the_stream_is_cut(
        sent in vec(any_frame(), 0..8),
        cuts in vec(1..40_usize, 1..60),
    ) {
        let wire = encoded(&sent);
        let (mut src, mut received, mut rest) = (BytesMut::new(), vec![], &wire[..]);
        for cut in cuts.iter().copied().cycle() {
            let (now, later) = rest.split_at(cut.min(rest.len()));
            src.extend_from_slice(now);
            while let Some(frame) = FrameCodec.decode(&mut src).unwrap() {
                received.push(frame);
            }
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(received, sent);
        prop_assert!(src.is_empty());
    }

    #[test]
    fn no_bytes_make_the_decoder_panic(wire in vec(any::<u8>(), 0..64)) {
        let _ = decoded(&wire);
    }
}

#[test]
fn the_layout_on_the_wire() {
    let block = Compressed::new(258, Bytes::from_static(b"lz4")).unwrap();
    let cases: [(Frame, &[u8]); 13] = [
        (Frame::Output(Bytes::from_static(b"hi")), b"\0\0\0\x03\x01hi"),
        (Frame::Exit { code: -2 }, b"\0\0\0\x05\x02\xff\xff\xff\xfe"),
        (Frame::Input(Bytes::new()), b"\0\0\0\x01\x81"),
        (Frame::Resize { columns: 300, rows: 40 }, b"\0\0\0\x05\x82\x01\x2c\0\x28"),
        (Frame::InputCredit { bytes: 258 }, b"\0\0\0\x05\x03\0\0\x01\x02"),
        (Frame::Alive, b"\0\0\0\x01\x04"),
        (Frame::Ping, b"\0\0\0\x01\x83"),
        (Frame::OutputCredit { bytes: 65536 }, b"\0\0\0\x05\x84\0\x01\0\0"),
        (Frame::Interrupt, b"\0\0\0\x01\x85"),
        (Frame::HangUp, b"\0\0\0\x01\x86"),
        (Frame::Compressed(block), b"\0\0\0\x08\x05\0\0\x01\x02lz4"),
        (Frame::Compress, b"\0\0\0\x01\x87"),
        (Frame::Leave, b"\0\0\0\x01\x88"),
    ];
    for (frame, wire) in cases {
        assert_eq!(encoded(std::slice::from_ref(&frame)), wire, "{frame:?}");
    }
}

#[test]
fn a_header_of_its_own_is_that_of_the_whole_frame() {
    let frame = Frame::Output(Bytes::from_static(b"hi"));
    let mut header = BytesMut::new();
    FrameCodec::encode_output_header(2, &mut header).unwrap();
    assert_eq!([&header[..], b"hi"].concat(), encoded(&[frame]));
}

#[test]
fn a_frame_of_the_greatest_size_passes_and_one_byte_more_is_refused() {
    let of = |bytes: usize| Frame::Output(Bytes::from(vec![7; bytes]));
    let largest = of(MAX_PAYLOAD_BYTES);
    assert_eq!(decoded(&encoded(std::slice::from_ref(&largest))).unwrap(), [largest]);

    let error = FrameCodec.encode(of(MAX_PAYLOAD_BYTES + 1), &mut BytesMut::new()).unwrap_err();
    assert_eq!(error.to_string(), "a frame carries 65537 bytes, and 65536 is the limit");
}

#[test]
fn an_oversize_length_is_refused_before_its_payload_arrives() {
    let error = decoded(&u32::MAX.to_be_bytes()).unwrap_err();
    assert!(matches!(error, WireError::Oversize { bytes: 0xffff_fffe }), "{error}");
}

#[test]
fn unknown_types_are_skipped() {
    let exit = Frame::Exit { code: 3 };
    let mut wire = b"\0\0\0\x04\x7fnew\0\0\0\x01\xff".to_vec();
    wire.extend_from_slice(&encoded(std::slice::from_ref(&exit)));
    assert_eq!(decoded(&wire).unwrap(), [exit]);
}

#[test]
fn malformed_frames_are_refused() {
    let cases: [(&[u8], &str); 5] = [
        (b"\0\0\0\0", "a frame has no type"),
        (b"\0\0\0\x04\x82abc", "a frame of type 0x82 cannot have 3 bytes"),
        (b"\0\0\0\x06\x82abcde", "a frame of type 0x82 cannot have 5 bytes"),
        (b"\0\0\0\x01\x02", "a frame of type 0x02 cannot have 0 bytes"),
        (b"\0\0\0\x02\x83!", "a frame of type 0x83 cannot have 1 bytes"),
    ];
    for (wire, sentence) in cases {
        assert_eq!(decoded(wire).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn a_stream_that_ends_inside_a_frame_is_an_error() {
    let mut src = BytesMut::from(&b"\0\0\0\x09\x01half"[..]);
    let error = FrameCodec.decode_eof(&mut src).unwrap_err();
    assert!(matches!(error, WireError::Io(_)), "{error}");
}
