//! What one viewer is shown next: the output as it comes, or the screen as it is where it has not seen how that came
//! about. It must not know how it is sent.

use std::io;

use screen_wire::MAX_PAYLOAD_BYTES;

use crate::screen::{
    desk::{Desk, Picture, Typist},
    viewer::Gathered,
    window::OutputWindow,
};

/// How far one may be behind what it has room for, while another one keeps up.
const BEHIND_BYTES_MAX: u64 = 64 * 1024;

pub(super) enum Feed {
    /// The output from this position on.
    Live(u64),
    /// What is left of a picture, and then the output.
    Picture { bytes: Vec<u8>, sent: usize, then: u64 },
    /// A picture, as soon as there is room.
    Stale,
}

/// Whether the program still writes, or all that is left of its output is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    GoesOn,
    Over,
}

impl Feed {
    /// Of one that comes now.
    pub(super) fn new(desk: &Desk) -> Self {
        if desk.output().head() == 0 { Self::Live(0) } else { Self::Stale }
    }

    /// How much more output may come, for all that this viewer has room for.
    pub(super) fn allows(&self, window: &OutputWindow, head: u64) -> usize {
        let waiting = match self {
            Self::Live(position) => head - position,
            Self::Picture { bytes, sent, then } => head - then + (bytes.len() - sent) as u64,
            Self::Stale => return 0,
        };
        let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
        window.room().min(MAX_PAYLOAD_BYTES).saturating_sub(waiting)
    }

    /// Gathers what there is room for.
    pub(super) fn fill(
        &mut self,
        into: &mut Gathered,
        window: &OutputWindow,
        stream: Stream,
        desk: &mut Desk,
        typist: &mut Typist,
    ) -> io::Result<()> {
        let room = window.room().min(MAX_PAYLOAD_BYTES);
        while into.len() < room {
            let left = room - into.len();
            match self {
                Self::Stale => {
                    if !has_room_again(window) {
                        return Ok(());
                    }
                    let Picture { bytes, position } = desk.picture(typist)?;
                    *self = Self::Picture { bytes, sent: 0, then: position };
                }
                Self::Picture { bytes, sent, then } => {
                    let rest = &bytes[*sent..];
                    *sent += into.append(&rest[..rest.len().min(left)]);
                    if *sent == bytes.len() {
                        *self = Self::Live(*then);
                    }
                }
                Self::Live(position) => {
                    if is_behind(*position, window, stream, desk) {
                        *self = Self::Stale;
                        continue;
                    }
                    let part = desk.output().from(*position, left);
                    if part.is_empty() {
                        return Ok(());
                    }
                    *position += into.append(part) as u64;
                }
            }
        }
        Ok(())
    }

    /// Whether there is nothing more to be shown.
    pub(super) fn is_through(&self, head: u64) -> bool {
        matches!(self, Self::Live(position) if *position == head)
    }
}

/// A picture is begun when much of it can be sent at once.
fn has_room_again(window: &OutputWindow) -> bool {
    window.room() >= window.window() / 2
}

/// One alone never is: the program waits for it.
fn is_behind(position: u64, window: &OutputWindow, stream: Stream, desk: &Desk) -> bool {
    let output = desk.output();
    let owed = output.head() - position + window.unacknowledged() as u64;
    let limit = window.window() as u64 + BEHIND_BYTES_MAX;
    position < output.tail() || (stream == Stream::GoesOn && owed > limit)
}
