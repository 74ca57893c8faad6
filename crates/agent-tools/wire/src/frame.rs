//! What the two ends can say to each other, and the byte that names it.

use std::fmt;

use bytes::Bytes;

pub(crate) const OUTPUT: u8 = 0x01;
pub(crate) const EXIT: u8 = 0x02;
pub(crate) const INPUT: u8 = 0x81;
pub(crate) const RESIZE: u8 = 0x82;

/// One message between a screen and its viewer.
#[derive(Clone, PartialEq, Eq)]
pub enum Frame {
    /// What the program wrote. Cut anywhere, also inside a UTF-8 or escape sequence.
    Output(Bytes),
    /// The program ended, after all of its output. 128 + n stands for signal n, as in a shell.
    Exit { code: i32 },
    /// What the viewer typed or pasted.
    Input(Bytes),
    /// The viewer's size in character cells.
    Resize { columns: u16, rows: u16 },
}

/// Which end sends a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Screen,
    Viewer,
}

impl Frame {
    /// The end that may send this frame; the other one must refuse to.
    pub fn origin(&self) -> Origin {
        match self {
            Self::Output(_) | Self::Exit { .. } => Origin::Screen,
            Self::Input(_) | Self::Resize { .. } => Origin::Viewer,
        }
    }
}

/// Says how much was typed or drawn, never what: a terminal carries passwords.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Output(bytes) => write!(f, "Output({} bytes)", bytes.len()),
            Self::Exit { code } => write!(f, "Exit({code})"),
            Self::Input(bytes) => write!(f, "Input({} bytes)", bytes.len()),
            Self::Resize { columns, rows } => write!(f, "Resize({columns}x{rows})"),
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

    #[test]
    fn only_a_viewer_types_and_resizes() {
        let frames = [
            Frame::Output(Bytes::new()),
            Frame::Exit { code: 0 },
            Frame::Input(Bytes::new()),
            Frame::Resize { columns: 80, rows: 24 },
        ];
        let origins = frames.map(|frame| frame.origin());
        assert_eq!(origins, [Origin::Screen, Origin::Screen, Origin::Viewer, Origin::Viewer]);
    }
}
