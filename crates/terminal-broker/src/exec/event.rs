//! What an exec's owner hears of it. Pure.

use bytes::Bytes;
use screen_wire::{Compressed, Frame, MAX_COLUMNS, MAX_ROWS};
use terminal_proto::v1::{LastTyped, OutputPosition, Presence, Size};

use crate::closing::Lost;

/// What the screen says. Each is a sign of life.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Output(Bytes),
    /// Only after [`Exec::accept_compressed`](super::Exec::accept_compressed).
    Compressed(Compressed),
    /// The terminal's program ended with this code.
    Exited(i32),
    /// Where in the program's output one is; only after [`Exec::joined`](super::Exec::joined).
    Position(OutputPosition),
    /// How the terminal is that is shared; as [`Event::Position`].
    Presence(Presence),
    /// The program took so many bytes of input.
    InputCredit(u32),
    Alive,
}

impl Event {
    /// `None` of what a screen says only once, or never.
    pub(super) fn of(frame: Frame) -> Option<Self> {
        Some(match frame {
            Frame::Output(bytes) => Self::Output(bytes),
            Frame::Compressed(output) => Self::Compressed(output),
            Frame::Position { position, screen_bytes } => {
                Self::Position(OutputPosition { position, screen_bytes })
            }
            Frame::Presence(presence) => Self::Presence(told(presence)),
            Frame::Exit { code } => Self::Exited(code),
            Frame::InputCredit { bytes } => Self::InputCredit(bytes),
            Frame::Alive => Self::Alive,
            Frame::Joined(_)
            | Frame::ToViewer { .. }
            | Frame::Follows
            | Frame::Left
            // A viewer's words.
            | Frame::Input(_)
            | Frame::Resize { .. }
            | Frame::Ping
            | Frame::OutputCredit { .. }
            | Frame::Interrupt
            | Frame::HangUp
            | Frame::Compress
            | Frame::Leave
            | Frame::Typed { .. }
            | Frame::FromViewer { .. }
            | Frame::Enter(_)
            | Frame::Redraw { .. } => return None,
        })
    }
}

/// What the pod says may be anything, and is shown: a size within bounds.
fn told(presence: screen_wire::Presence) -> Presence {
    let screen_wire::Presence { columns, rows, viewers, typed } = presence;
    let cells = |cells: u16, max: u16| u32::from(cells.clamp(1, max));
    let (columns, rows) = (cells(columns, MAX_COLUMNS), cells(rows, MAX_ROWS));
    let typed = match typed {
        screen_wire::LastTyped::Nobody => LastTyped::Unspecified,
        screen_wire::LastTyped::You => LastTyped::You,
        screen_wire::LastTyped::Another => LastTyped::Another,
    };
    let size = Some(Size { columns, rows });
    Presence { size, viewers: u32::from(viewers).max(1), typed: typed.into() }
}

/// Why nothing more can come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    /// The cluster says that the command has ended, and no frame had said so.
    Ended(Lost),
    /// It ended as one that does not know all of its arguments, and had said nothing.
    UnknownArguments,
    /// The socket ended: nothing is known of the command.
    Broken,
    /// Nothing was heard of the screen for too long.
    Silent,
    /// What came is no terminal.
    Protocol,
}

impl From<Over> for Lost {
    fn from(over: Over) -> Self {
        match over {
            Over::Ended(lost) => lost,
            Over::UnknownArguments => Self::NotStarted,
            Over::Broken => Self::Broken,
            Over::Silent => Self::Silent,
            Over::Protocol => Self::Protocol,
        }
    }
}
