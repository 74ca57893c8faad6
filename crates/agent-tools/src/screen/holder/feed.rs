//! What one viewer is shown next: the output as it comes, or the screen as it is where it has not seen how that came
//! about. It must not know how it is sent.

use std::io;

use screen_wire::MAX_PAYLOAD_BYTES;

use crate::screen::{
    desk::{Desk, Picture, Typist},
    ring::Ring,
    viewer::Gathered,
    window::OutputWindow,
};

/// How far one may be behind what it has room for, while another one keeps up.
const BEHIND_BYTES_MAX: u64 = 64 * 1024;

pub(super) struct Feed {
    shown: Shown,
    /// Where one is, if that was not told yet.
    place: Option<Place>,
}

enum Shown {
    Live(Live),
    /// What is left of a picture, and then the output.
    Picture {
        bytes: Vec<u8>,
        sent: usize,
        then: u64,
    },
    /// A picture, as soon as there is room.
    Stale,
}

/// The output from a position on.
#[derive(Clone, Copy)]
struct Live {
    position: u64,
    /// Until here it was missed, and however far behind one is, it is shown.
    missed_to: u64,
}

/// What comes next: so many bytes of a picture, and then the output from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) screen_bytes: u32,
}

/// Whether the program still writes, or all that is left of its output is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    GoesOn,
    Over,
}

impl Feed {
    /// Of one that comes now, and has seen the output up to `drawn`.
    pub(super) fn new(output: &Ring, drawn: Option<u64>) -> Self {
        let (tail, head) = (output.tail(), output.head());
        match drawn.or((head == 0).then_some(0)) {
            Some(position) if (tail..=head).contains(&position) => Self {
                shown: Shown::Live(Live { position, missed_to: head }),
                place: Some(Place { position, screen_bytes: 0 }),
            },
            _ => Self { shown: Shown::Stale, place: None },
        }
    }

    /// How much more output may come, for all that this viewer has room for.
    pub(super) fn allows(&self, window: &OutputWindow, head: u64) -> usize {
        let waiting = match &self.shown {
            Shown::Live(live) => head - live.position,
            Shown::Picture { bytes, sent, then } => head - then + (bytes.len() - sent) as u64,
            Shown::Stale => return 0,
        };
        let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
        window.room().min(MAX_PAYLOAD_BYTES).saturating_sub(waiting)
    }

    /// Gathers what there is room for. A picture is the first of what is gathered, if there is one.
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
            match &mut self.shown {
                Shown::Stale => {
                    if !into.is_empty() || !has_room_again(window) {
                        return Ok(());
                    }
                    let Picture { bytes, position } = desk.picture(typist)?;
                    let screen_bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                    self.place = Some(Place { position, screen_bytes });
                    self.shown = Shown::Picture { bytes, sent: 0, then: position };
                }
                Shown::Picture { bytes, sent, then } => {
                    let rest = &bytes[*sent..];
                    *sent += into.append(&rest[..rest.len().min(left)]);
                    if *sent == bytes.len() {
                        let position = *then;
                        self.shown = Shown::Live(Live { position, missed_to: position });
                    }
                }
                Shown::Live(live) => {
                    if is_behind(*live, window, stream, desk.output()) {
                        self.shown = Shown::Stale;
                        continue;
                    }
                    let part = desk.output().from(live.position, left);
                    if part.is_empty() {
                        return Ok(());
                    }
                    live.position += into.append(part) as u64;
                }
            }
        }
        Ok(())
    }

    /// What is to be told before what was gathered.
    pub(super) fn place(&self) -> Option<Place> {
        self.place
    }

    /// It is told.
    pub(super) fn placed(&mut self) {
        self.place = None;
    }

    /// Whether there is nothing more to be shown.
    pub(super) fn is_through(&self, head: u64) -> bool {
        matches!(self.shown, Shown::Live(live) if live.position == head)
    }
}

/// A picture is begun when much of it can be sent at once.
fn has_room_again(window: &OutputWindow) -> bool {
    window.room() >= window.window() / 2
}

/// One alone never is: the program waits for it. Nor is one that was away, as long as what it missed is there.
fn is_behind(live: Live, window: &OutputWindow, stream: Stream, output: &Ring) -> bool {
    let Live { position, missed_to } = live;
    let owed = output.head() - position + window.unacknowledged() as u64;
    let limit = window.window() as u64 + BEHIND_BYTES_MAX;
    let late = stream == Stream::GoesOn && position >= missed_to && owed > limit;
    position < output.tail() || late
}
