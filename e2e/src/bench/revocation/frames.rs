//! WebSocket frames as bytes, for who does not keep to the protocol; their headers are the library's. Pure.

use std::io::Cursor;

use bytes::{Buf, Bytes, BytesMut};
use tokio_tungstenite::tungstenite::protocol::frame::{FrameHeader, coding::OpCode};

pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
const CLOSE: u8 = 8;
pub(super) const PONG: u8 = 10;

/// What a gateway sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    Output(Bytes),
    Control(Bytes),
    /// Of so many bytes, header included.
    Close {
        bytes: usize,
    },
    Ping,
}

/// Takes frames out of what came.
#[derive(Debug, Default)]
pub(super) struct Frames(BytesMut);

impl Frames {
    pub(super) fn push(&mut self, received: &[u8]) {
        self.0.extend_from_slice(received);
    }

    /// The next frame that is whole.
    pub(super) fn next(&mut self) -> Option<Frame> {
        let mut cursor = Cursor::new(&self.0[..]);
        let (header, length) = FrameHeader::parse(&mut cursor).ok()??;
        let opcode = u8::from(header.opcode);
        let (header, length) = (header.len(length), usize::try_from(length).ok()?);
        if self.0.len() - header < length {
            return None;
        }
        self.0.advance(header);
        let payload = self.0.split_to(length).freeze();
        Some(match opcode {
            BINARY => Frame::Output(payload),
            TEXT => Frame::Control(payload),
            CLOSE => Frame::Close { bytes: header + length },
            _ => Frame::Ping,
        })
    }
}

/// A client's frame. Its mask is zeros: the payload is sent as it is.
pub(super) fn client(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let opcode = OpCode::from(opcode);
    let header = FrameHeader { opcode, mask: Some([0; 4]), ..FrameHeader::default() };
    let mut frame = Vec::with_capacity(header.len(payload.len() as u64) + payload.len());
    // Into memory, where it does not fail.
    let _ = header.format(payload.len() as u64, &mut frame);
    frame.extend(payload);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASKED: u8 = 0x80;

    /// What a server sends: the same without mask.
    fn server(opcode: u8, payload: &[u8]) -> Vec<u8> {
        let client = client(opcode, payload);
        let header = client.len() - payload.len() - 4;
        let mut frame = client[..header].to_vec();
        frame[1] &= !MASKED;
        frame.extend(payload);
        frame
    }

    #[test]
    fn frames_are_found_wherever_what_comes_is_cut() {
        let long = vec![7; 70_000];
        let frames = [
            (server(TEXT, b"{}"), Frame::Control(Bytes::from_static(b"{}"))),
            (server(BINARY, &long[..126]), Frame::Output(Bytes::from(long[..126].to_vec()))),
            (server(9, b""), Frame::Ping),
            (server(BINARY, &long), Frame::Output(Bytes::from(long.clone()))),
            (server(CLOSE, b"\x03\xf0no"), Frame::Close { bytes: 6 }),
        ];
        let all: Vec<u8> = frames.iter().flat_map(|(bytes, _)| bytes.clone()).collect();
        for size in [1, 3, 1000, all.len()] {
            let (mut reader, mut found) = (Frames::default(), vec![]);
            for piece in all.chunks(size) {
                reader.push(piece);
                found.extend(std::iter::from_fn(|| reader.next()));
            }
            assert!(found.iter().eq(frames.iter().map(|(_, frame)| frame)), "in pieces of {size}");
        }
    }

    #[test]
    fn a_clients_frame_is_as_the_library_reads_it() {
        use tokio_tungstenite::tungstenite::{
            Message,
            protocol::{Role, WebSocket},
        };
        for length in [0, 125, 126, 65_535, 65_536] {
            let payload = vec![b'x'; length];
            let sent = std::io::Cursor::new(client(BINARY, &payload));
            let mut socket = WebSocket::from_raw_socket(sent, Role::Server, None);
            assert_eq!(socket.read().unwrap(), Message::binary(payload), "{length}");
        }
    }
}
