//! What a viewer comes with to a trunk. Pure.

use bytes::{Buf, BufMut, BytesMut};

use crate::{Join, Viewer};

/// The payload of [`Frame::Enter`](crate::Frame::Enter).
pub(crate) const ENTER_BYTES: usize = 2 + 2 + 4 + 16 + 8 + 1 + 8 + 8 + 8 + 4;

/// A viewer that takes its place at a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enter {
    pub columns: u16,
    pub rows: u16,
    /// Output that may be sent to it alone and not yet credited.
    pub window_bytes: u32,
    pub join: Join,
}

impl Enter {
    pub(crate) fn encode(&self, dst: &mut BytesMut) {
        let Self { columns, rows, window_bytes, join } = *self;
        let Join { viewer, terminal, drawn, typed_from, typed_to, interrupts } = join;
        dst.put_u16(columns);
        dst.put_u16(rows);
        dst.put_u32(window_bytes);
        dst.put_slice(&viewer.to_bytes());
        dst.put_u64(terminal);
        dst.put_u8(drawn.is_some().into());
        dst.put_u64(drawn.unwrap_or_default());
        dst.put_u64(typed_from);
        dst.put_u64(typed_to);
        dst.put_u32(interrupts);
    }

    /// `None` of a payload of another length.
    pub(crate) fn decode(mut payload: &[u8]) -> Option<Self> {
        if payload.len() != ENTER_BYTES {
            return None;
        }
        let (columns, rows) = (payload.get_u16(), payload.get_u16());
        let window_bytes = payload.get_u32();
        let mut viewer = [0; 16];
        payload.copy_to_slice(&mut viewer);
        let terminal = payload.get_u64();
        let (has_drawn, drawn) = (payload.get_u8() != 0, payload.get_u64());
        let join = Join {
            viewer: Viewer::from_bytes(viewer),
            terminal,
            drawn: has_drawn.then_some(drawn),
            typed_from: payload.get_u64(),
            typed_to: payload.get_u64(),
            interrupts: payload.get_u32(),
        };
        Some(Self { columns, rows, window_bytes, join })
    }
}
