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
    /// What all are shown who follow the trunk's common output.
    Common,
    /// Nothing: it followed the common output, which did not go on, until it is said how far it is.
    Dropped,
}

/// The output from a position on.
#[derive(Clone, Copy)]
pub(super) struct Live {
    pub(super) position: u64,
    /// Until here it was missed, and however far behind one is, it is shown.
    missed_to: u64,
}

/// What comes next: so many bytes of a picture, and then the output from there on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) position: u64,
    pub(super) screen_bytes: u32,
}

/// What is left to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    Nothing,
    /// It is sent as soon as it is its turn.
    Coming,
    /// It waits for the viewer to take what it was sent.
    NoRoom,
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

    /// How much more output may come, for all that this viewer has room for; `None` of one for whom nothing does.
    pub(super) fn allows(&self, window: &OutputWindow, head: u64) -> Option<usize> {
        let waiting = match &self.shown {
            Shown::Live(live) => head - live.position,
            Shown::Picture { bytes, sent, then } => head - then + (bytes.len() - sent) as u64,
            Shown::Stale => return Some(0),
            Shown::Common | Shown::Dropped => return None,
        };
        Some(allowed(window, waiting))
    }

    /// Gathers what there is room for, up to the position `to` if there is one. A picture is the first of what is
    /// gathered, if there is one.
    pub(super) fn fill(
        &mut self,
        into: &mut Gathered,
        window: &OutputWindow,
        (stream, to): (Stream, Option<u64>),
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
                    let left = to.map_or(left, |to| up_to(live.position, to, left));
                    let part = desk.output().from(live.position, left);
                    if part.is_empty() {
                        return Ok(());
                    }
                    live.position += into.append(part) as u64;
                }
                Shown::Common | Shown::Dropped => return Ok(()),
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

    /// What one was not shown yet, where the common output is through up to a position and has a window.
    pub(super) fn missing(
        &self,
        head: u64,
        window: &OutputWindow,
        common: Option<(u64, &OutputWindow)>,
    ) -> Missing {
        let (through, has_room) = match (&self.shown, common) {
            (Shown::Live(live), _) => (live.position == head, window.room() > 0),
            (Shown::Common, Some((position, window))) => (position == head, window.room() > 0),
            (Shown::Picture { .. }, _) => (false, window.room() > 0),
            (Shown::Stale, _) => (false, has_room_again(window)),
            (Shown::Dropped, _) | (Shown::Common, None) => (false, false),
        };
        match (through, has_room) {
            (true, _) => Missing::Nothing,
            (false, true) => Missing::Coming,
            (false, false) => Missing::NoRoom,
        }
    }

    /// Where one is that has been told all up to there.
    pub(super) fn is_at(&self) -> Option<Live> {
        match self.shown {
            Shown::Live(live) if self.place.is_none() => Some(live),
            _ => None,
        }
    }

    pub(super) fn is_common(&self) -> bool {
        matches!(self.shown, Shown::Common)
    }

    /// It is shown the common output from now on.
    pub(super) fn follow(&mut self) {
        self.shown = Shown::Common;
    }

    /// The common output does not go on.
    pub(super) fn drop_common(&mut self) {
        if self.is_common() {
            self.shown = Shown::Dropped;
        }
    }

    /// Shows one that followed the screen anew; `false` of one that did not.
    pub(super) fn redraw(&mut self) -> bool {
        let followed = matches!(self.shown, Shown::Common | Shown::Dropped);
        if followed {
            self.shown = Shown::Stale;
        }
        followed
    }
}

impl Live {
    /// Whether it has been shown all that it missed.
    pub(super) fn is_caught_up(self) -> bool {
        self.position >= self.missed_to
    }
}

/// How much more output may come for one who has room in `window`, and to whom so much is owed.
pub(super) fn allowed(window: &OutputWindow, waiting: u64) -> usize {
    let waiting = usize::try_from(waiting).unwrap_or(usize::MAX);
    window.room().min(MAX_PAYLOAD_BYTES).saturating_sub(waiting)
}

/// At most `left`, and no further than `to`.
pub(super) fn up_to(position: u64, to: u64, left: usize) -> usize {
    usize::try_from(to.saturating_sub(position)).unwrap_or(usize::MAX).min(left)
}

/// A picture is begun when much of it can be sent at once.
fn has_room_again(window: &OutputWindow) -> bool {
    window.room() > 0 && window.room() >= window.window() / 2
}

/// One alone never is: the program waits for it. Nor is one that was away, as long as what it missed is there.
fn is_behind(live: Live, window: &OutputWindow, stream: Stream, output: &Ring) -> bool {
    let late = stream == Stream::GoesOn && live.is_caught_up();
    live.position < output.tail() || (late && owes_too_much(live.position, window, output))
}

/// More than its window, and some.
pub(super) fn owes_too_much(position: u64, window: &OutputWindow, output: &Ring) -> bool {
    let owed = output.head() - position + window.unacknowledged() as u64;
    owed > window.window() as u64 + BEHIND_BYTES_MAX
}
