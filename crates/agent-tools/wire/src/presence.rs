//! How a terminal is that is shared, as each who looks is told. Pure.

use bytes::{Buf, BufMut, BytesMut};

/// The payload of [`Frame::Presence`](crate::Frame::Presence).
pub(crate) const PRESENCE_BYTES: usize = 2 + 2 + 2 + 1;

/// The size in force, and who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// In character cells: the size that output is meant for from here on.
    pub columns: u16,
    pub rows: u16,
    /// All who look at the terminal, the one who is told among them.
    pub viewers: u16,
    pub typed: LastTyped,
}

/// Who of those who are there typed last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LastTyped {
    /// Nobody who is still there.
    #[default]
    Nobody,
    /// The one who is told.
    You,
    Another,
}

impl Presence {
    pub(crate) fn encode(self, dst: &mut BytesMut) {
        let Self { columns, rows, viewers, typed } = self;
        dst.put_u16(columns);
        dst.put_u16(rows);
        dst.put_u16(viewers);
        dst.put_u8(match typed {
            LastTyped::Nobody => 0,
            LastTyped::You => 1,
            LastTyped::Another => 2,
        });
    }

    /// `None` of a payload of another length.
    pub(crate) fn decode(mut payload: &[u8]) -> Option<Self> {
        if payload.len() != PRESENCE_BYTES {
            return None;
        }
        let (columns, rows) = (payload.get_u16(), payload.get_u16());
        let viewers = payload.get_u16();
        let typed = match payload.get_u8() {
            1 => LastTyped::You,
            2 => LastTyped::Another,
            // Or one of a newer screen.
            _ => LastTyped::Nobody,
        };
        Some(Self { columns, rows, viewers, typed })
    }
}
