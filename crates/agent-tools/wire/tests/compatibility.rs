//! A screen in a pod outlives an upgrade of the broker, and a broker serves pods of the release before: each frame is what
//! it was in the first release that had it. How the broker starts a screen is held beside the two: by the broker's test
//! of what it execs and by that of agent-tools' command line.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{collections::HashSet, mem};

use bytes::{Bytes, BytesMut};
use screen_wire::{Deframer, Enter, Frame, FrameCodec, Join, Joined, LastTyped, Presence, Viewer};
use tokio_util::codec::Encoder;

/// The release that first had a frame. One that is not listed here does not compile: record it.
fn since(frame: &Frame) -> &'static str {
    match frame {
        Frame::Output(_)
        | Frame::Exit { .. }
        | Frame::InputCredit { .. }
        | Frame::Alive
        | Frame::Compressed(_)
        | Frame::Input(_)
        | Frame::Resize { .. }
        | Frame::Ping
        | Frame::OutputCredit { .. }
        | Frame::Interrupt
        | Frame::HangUp
        | Frame::Compress
        | Frame::Leave => "0.1.0",
        Frame::Joined(_)
        | Frame::Position { .. }
        | Frame::Typed { .. }
        | Frame::ToViewer { .. }
        | Frame::Follows
        | Frame::Left
        | Frame::FromViewer { .. }
        | Frame::Enter(_)
        | Frame::Presence(_)
        | Frame::Redraw { .. } => "0.2.0",
    }
}

/// A frame and its bytes in its first release: length, type, payload.
fn recorded() -> [(Frame, &'static [u8]); 22] {
    [
        (Frame::Output(Bytes::from_static(b"\x1b[1mhi")), b"\0\0\0\x07\x01\x1b[1mhi"),
        (Frame::Exit { code: 130 }, b"\0\0\0\x05\x02\0\0\0\x82"),
        (Frame::InputCredit { bytes: 65_536 }, b"\0\0\0\x05\x03\0\x01\0\0"),
        (Frame::Alive, b"\0\0\0\x01\x04"),
        (Frame::Input(Bytes::from_static(b"ls\r")), b"\0\0\0\x04\x81ls\r"),
        (Frame::Resize { columns: 120, rows: 40 }, b"\0\0\0\x05\x82\0\x78\0\x28"),
        (Frame::Ping, b"\0\0\0\x01\x83"),
        (Frame::OutputCredit { bytes: 131_072 }, b"\0\0\0\x05\x84\0\x02\0\0"),
        (Frame::Interrupt, b"\0\0\0\x01\x85"),
        (Frame::HangUp, b"\0\0\0\x01\x86"),
        (Frame::Compress, b"\0\0\0\x01\x87"),
        (Frame::Leave, b"\0\0\0\x01\x88"),
        (
            Frame::Joined(Joined { terminal: 0x0102_0304_0506_0708, typed: 9 }),
            b"\0\0\0\x11\x06\x01\x02\x03\x04\x05\x06\x07\x08\0\0\0\0\0\0\0\x09",
        ),
        (
            Frame::Position { position: 10, screen_bytes: 11 },
            b"\0\0\0\x0d\x07\0\0\0\0\0\0\0\x0a\0\0\0\x0b",
        ),
        (
            Frame::Typed { position: 12, interrupts: 13 },
            b"\0\0\0\x0d\x89\0\0\0\0\0\0\0\x0c\0\0\0\x0d",
        ),
        (Frame::ToViewer { viewer: 258 }, b"\0\0\0\x05\x08\0\0\x01\x02"),
        (Frame::Follows, b"\0\0\0\x01\x09"),
        (Frame::Left, b"\0\0\0\x01\x0a"),
        (Frame::FromViewer { viewer: 3 }, b"\0\0\0\x05\x8a\0\0\0\x03"),
        (Frame::Enter(enter()), ENTER),
        (
            Frame::Presence(Presence {
                columns: 120,
                rows: 40,
                viewers: 3,
                typed: LastTyped::Another,
            }),
            b"\0\0\0\x08\x0b\0\x78\0\x28\0\x03\x02",
        ),
        (Frame::Redraw { unacknowledged: 4 }, b"\0\0\0\x05\x8c\0\0\0\x04"),
    ]
}

const ENTER: &[u8] = b"\0\0\0\x3e\x8b\0\x78\0\x28\0\x04\0\0\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\
    \0\0\0\0\0\0\0\x05\x01\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x08\0\0\0\x09";

fn enter() -> Enter {
    let join = Join {
        terminal: 5,
        drawn: Some(6),
        typed_from: 7,
        typed_to: 8,
        interrupts: 9,
        ..Join::new(Viewer::from_bytes([1; 16]))
    };
    Enter { columns: 120, rows: 40, window_bytes: 0x0004_0000, join }
}

/// Output of 32 bytes; how it is compressed is the screen's affair, that it can be read is not.
const COMPRESSED: &[u8] = b"\0\0\0\x10\x05\0\0\0\x20\x1fa\x01\0\x07\x50aaaaa";

fn received(wire: &'static [u8]) -> Frame {
    let mut deframer = Deframer::new();
    deframer.push(Bytes::from_static(wire));
    deframer.next().unwrap().unwrap()
}

#[test]
fn frames_of_the_release_before_are_understood() {
    for (frame, wire) in recorded() {
        let of_then = since(&frame);
        assert_eq!(received(wire), frame, "{of_then}");
    }
    let Frame::Compressed(compressed) = received(COMPRESSED) else { panic!("a compressed frame") };
    assert_eq!(compressed.decompress().unwrap(), Bytes::from("a".repeat(32)));
}

#[test]
fn the_release_before_understands_what_is_sent() {
    for (frame, wire) in recorded() {
        let mut sent = BytesMut::new();
        FrameCodec.encode(frame, &mut sent).unwrap();
        assert_eq!(sent, wire);
    }
}

#[test]
fn each_frame_is_recorded_once() {
    let mut kinds: HashSet<_> =
        recorded().iter().map(|(frame, _)| mem::discriminant(frame)).collect();
    assert!(kinds.insert(mem::discriminant(&received(COMPRESSED))));
    assert_eq!(kinds.len(), recorded().len() + 1);
}

#[test]
fn what_only_a_newer_release_says_is_passed_over() {
    assert_eq!(received(b"\0\0\0\x03\x0f??\0\0\0\x01\x04"), Frame::Alive);
}
