//! How a viewer takes its place.

use std::time::Duration;

use screen_wire::Join;

use super::{
    Phase, Seat,
    resume::{Former, Interrupt, Resume},
};
use crate::screen::{
    answers::Answers,
    desk::{Desk, Typist},
    holder::feed::Feed,
    size::Size,
    typed::ViewerId,
    window::{InputWindow, OutputWindow},
};

/// What a viewer comes with.
#[derive(Clone, Copy, Debug)]
pub(in crate::screen::holder) struct Opening {
    pub(in crate::screen::holder) size: Size,
    /// Output that may be sent and not yet credited.
    pub(in crate::screen::holder) window_bytes: usize,
    /// Of one that may come again.
    pub(in crate::screen::holder) join: Option<Join>,
    /// How long it may take nothing when all is over.
    pub(in crate::screen::holder) patience: Duration,
}

impl Seat {
    pub(in crate::screen::holder) fn take(
        id: ViewerId,
        opening: &Opening,
        former: Former,
        terminal: u64,
        desk: &mut Desk,
    ) -> Self {
        let Opening { size, window_bytes, join, patience } = *opening;
        let mut seat = Self {
            id,
            input: InputWindow::after(desk.waiting(id)),
            answers: Answers::default(),
            held: None,
            typist: Typist::default(),
            feed: Feed::new(desk.output(), join.and_then(|join| join.drawn)),
            output: OutputWindow::new(window_bytes),
            phase: Phase::Present,
            patience,
            resume: None,
        };
        // A terminal without a size of its own fails at what comes next.
        let _ = desk.tell_size(id, size);
        let resume = join.map(|join| Resume::begin(&join, terminal, former.typed));
        if let Some((resume, interrupt)) = resume {
            (seat.resume, seat.typist) = (Some(resume), former.typist);
            if interrupt == Interrupt::Missed {
                let _ = seat.interrupt(desk);
            }
        }
        seat
    }
}
