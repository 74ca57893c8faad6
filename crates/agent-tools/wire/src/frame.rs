//! What the two ends can say to each other, and the byte that names it. Pure.

use std::fmt;

use bytes::Bytes;

use crate::{Compressed, Enter, Presence};

pub(crate) const OUTPUT: u8 = 0x01;
pub(crate) const EXIT: u8 = 0x02;
pub(crate) const INPUT_CREDIT: u8 = 0x03;
pub(crate) const ALIVE: u8 = 0x04;
pub(crate) const COMPRESSED: u8 = 0x05;
pub(crate) const JOINED: u8 = 0x06;
pub(crate) const POSITION: u8 = 0x07;
pub(crate) const TO_VIEWER: u8 = 0x08;
pub(crate) const FOLLOWS: u8 = 0x09;
pub(crate) const LEFT: u8 = 0x0a;
pub(crate) const PRESENCE: u8 = 0x0b;
pub(crate) const INPUT: u8 = 0x81;
pub(crate) const RESIZE: u8 = 0x82;
pub(crate) const PING: u8 = 0x83;
pub(crate) const OUTPUT_CREDIT: u8 = 0x84;
pub(crate) const INTERRUPT: u8 = 0x85;
pub(crate) const HANG_UP: u8 = 0x86;
pub(crate) const COMPRESS: u8 = 0x87;
pub(crate) const LEAVE: u8 = 0x88;
pub(crate) const TYPED: u8 = 0x89;
pub(crate) const FROM_VIEWER: u8 = 0x8a;
pub(crate) const ENTER: u8 = 0x8b;
pub(crate) const REDRAW: u8 = 0x8c;

/// One message between a screen and its viewer.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// Screen: what the program wrote. Cut anywhere, also inside a UTF-8 or escape sequence.
    Output(Bytes),
    /// Screen: the program ended, after all of its output. 128 + n stands for signal n, as in a
    /// shell.
    Exit { code: i32 },
    /// Screen: so many bytes of input were written to the terminal, or dropped by an interrupt; the
    /// viewer may send as many more.
    InputCredit { bytes: u32 },
    /// Screen: the answer to a ping, also sent unasked.
    Alive,
    /// Screen: what the program wrote, for a viewer that has said [`Frame::Compress`].
    Compressed(Compressed),
    /// Screen: first of all, to a viewer that came with a [`Join`](crate::Join).
    Joined(Joined),
    /// Screen: where in the program's output one is. The next `screen_bytes` of output draw the screen
    /// anew and are not part of it; what follows them is, from `position` on.
    Position { position: u64, screen_bytes: u32 },
    /// Screen, of a trunk: what follows is this viewer's, or that of all who follow where it is 0.
    ToViewer { viewer: u32 },
    /// Screen, of a trunk: from here on the viewer is shown the common output.
    Follows,
    /// Screen, of a trunk: the viewer has its place no more, or was given none.
    Left,
    /// Screen, to a viewer that came with a [`Join`](crate::Join): how the terminal is that it shares with others, at first
    /// and whenever that has changed.
    Presence(Presence),
    /// Viewer: what was typed or pasted.
    Input(Bytes),
    /// Viewer: its size in character cells.
    Resize { columns: u16, rows: u16 },
    /// Viewer: asks for [`Frame::Alive`].
    Ping,
    /// Viewer: so many bytes of output were taken; the screen may send as many more.
    OutputCredit { bytes: u32 },
    /// Viewer: Ctrl-C that overtakes what was typed before.
    Interrupt,
    /// Viewer: it was cut off. What is unread is dropped, and the screen leaves.
    HangUp,
    /// Viewer: it can decompress.
    Compress,
    /// Viewer: it has left by itself. The screen leaves once the program has read what was typed,
    /// or at [`Frame::HangUp`], which the end of the stream could not be followed by.
    Leave,
    /// Viewer, after a [`Join`](crate::Join): it has typed so much and interrupted so often. What of it has
    /// not come was dropped on the way, and an interrupt that has not come is done now, as by
    /// [`Frame::Interrupt`].
    Typed { position: u64, interrupts: u32 },
    /// Viewers, of a trunk: what follows is said by this one.
    FromViewer { viewer: u32 },
    /// Viewer, of a trunk: the first that it says.
    Enter(Enter),
    /// Viewer, of a trunk, that has followed: it is shown the screen anew. So many bytes of what it was sent, in
    /// all, it has not taken yet.
    Redraw { unacknowledged: u32 },
}

/// What a screen answers to a [`Join`](crate::Join).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Which terminal it is: another one begins its positions anew.
    pub terminal: u64,
    /// From where on input is to be sent: what was typed before was taken, or is lost.
    pub typed: u64,
}

/// Says how much was typed or drawn, never what: a terminal carries passwords.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(bytes) => write!(f, "Output({} bytes)", bytes.len()),
            Self::Exit { code } => write!(f, "Exit({code})"),
            Self::InputCredit { bytes } => write!(f, "InputCredit({bytes} bytes)"),
            Self::Alive => f.write_str("Alive"),
            Self::Compressed(output) => output.fmt(f),
            Self::Input(bytes) => write!(f, "Input({} bytes)", bytes.len()),
            Self::Resize { columns, rows } => write!(f, "Resize({columns}x{rows})"),
            Self::Ping => f.write_str("Ping"),
            Self::OutputCredit { bytes } => write!(f, "OutputCredit({bytes} bytes)"),
            Self::Interrupt => f.write_str("Interrupt"),
            Self::HangUp => f.write_str("HangUp"),
            Self::Compress => f.write_str("Compress"),
            Self::Leave => f.write_str("Leave"),
            Self::Joined(joined) => joined.fmt(f),
            Self::Position { position, screen_bytes } => {
                write!(f, "Position({position}, after {screen_bytes} bytes)")
            }
            Self::ToViewer { viewer } => write!(f, "ToViewer({viewer})"),
            Self::Follows => f.write_str("Follows"),
            Self::Left => f.write_str("Left"),
            Self::Presence(presence) => presence.fmt(f),
            Self::FromViewer { viewer } => write!(f, "FromViewer({viewer})"),
            Self::Enter(enter) => enter.fmt(f),
            Self::Redraw { unacknowledged } => write!(f, "Redraw({unacknowledged} bytes)"),
            Self::Typed { position, interrupts } => write!(f, "Typed({position}, {interrupts})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_does_not_repeat_what_was_typed() {
        let typed = Frame::Input(Bytes::from_static(b"hunter2"));
        assert_eq!(format!("{typed:?}"), "Input(7 bytes)");
    }
}
