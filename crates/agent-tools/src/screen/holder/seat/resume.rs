//! How a viewer goes on where it was, on another connection.

use screen_wire::{Frame, Join, Joined, Viewer};

use super::{Phase, Seat};
use crate::screen::{
    desk::{Desk, Typist},
    error::ScreenError,
    holder::{memory::Typed, presence::Told},
    typed::ViewerId,
};

/// Of a viewer that can come again.
pub(super) struct Resume {
    viewer: Viewer,
    typed: Typed,
    /// What it was not told yet.
    news: Option<Joined>,
    presence: Told,
}

/// What is known of a viewer that comes.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::screen::holder) struct Former {
    pub(in crate::screen::holder) typed: Option<Typed>,
    /// The number that it had, and so the input that still waits.
    pub(in crate::screen::holder) id: Option<ViewerId>,
    pub(in crate::screen::holder) typist: Typist,
}

/// An interrupt that was pressed and has not come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interrupt {
    Missed,
    None,
}

impl Resume {
    /// Of one that comes to `terminal`, and what is to be done for it.
    pub(super) fn begin(join: &Join, terminal: u64, former: Option<Typed>) -> (Self, Interrupt) {
        let possible = join.typed();
        let former = former.unwrap_or(Typed {
            // Nobody knows what of it was taken, and nothing may be typed twice.
            position: join.typed_to,
            interrupts: join.interrupts,
        });
        let from = former.position.clamp(*possible.start(), *possible.end());
        // A connection that was given up may come after a later one, and knows less than the terminal: that stays known.
        let position = from.max(former.position);
        let missed = join.interrupts > former.interrupts;
        let interrupts = former.interrupts.max(join.interrupts);
        let news = Some(Joined { terminal, typed: from });
        let typed = Typed { position, interrupts };
        let resume = Self { viewer: join.viewer, typed, news, presence: Told::default() };
        (resume, if missed { Interrupt::Missed } else { Interrupt::None })
    }

    pub(super) fn received(&mut self, bytes: usize) {
        self.typed.position += bytes as u64;
    }

    /// What it says of itself: whether that is an interrupt that has not come.
    pub(super) fn is_at(&mut self, position: u64, interrupts: u32) -> Interrupt {
        self.typed.position = self.typed.position.max(position);
        if interrupts <= self.typed.interrupts {
            return Interrupt::None;
        }
        self.typed.interrupts = interrupts;
        Interrupt::Missed
    }

    pub(super) fn presence_mut(&mut self) -> &mut Told {
        &mut self.presence
    }

    pub(super) fn take_news(&mut self) -> Option<Frame> {
        self.news.take().map(Frame::Joined)
    }
}

impl Seat {
    /// Who it is and how far with its input, if it may come again.
    pub(in crate::screen::holder) fn remembered(&self) -> Option<(Viewer, Typed)> {
        self.resume.as_ref().map(|resume| (resume.viewer, resume.typed))
    }

    pub(in crate::screen::holder) fn is_of(&self, viewer: Viewer) -> bool {
        self.resume.as_ref().is_some_and(|resume| resume.viewer == viewer)
    }

    /// Its viewer has come on another connection: what this one has not brought yet does not count.
    pub(in crate::screen::holder) fn give_way(mut self, desk: &mut Desk) -> Former {
        if matches!(self.phase, Phase::Present | Phase::Leaving { .. }) {
            let held = self.answers.give_up();
            // An error is that of the terminal, and the next to type has it too.
            let _ = self.pass(held, desk);
        }
        let typed = self.resume.map(|resume| resume.typed);
        Former { typed, id: Some(self.id), typist: self.typist }
    }

    /// The connection broke. One that may come again has left for now; of any other nothing counts any more.
    pub(in crate::screen::holder) fn lost(&mut self, desk: &mut Desk) {
        if self.resume.is_none() {
            return self.cut(desk);
        }
        if !self.is_over() && !matches!(self.phase, Phase::Leaving { .. }) {
            self.leave(desk);
        }
    }

    /// It is over; what the terminal has not taken was never typed.
    pub(super) fn gone_for_now(&mut self, desk: &mut Desk) {
        let dropped = desk.drop_waiting(self.id);
        if let Some(resume) = &mut self.resume {
            resume.typed.position -= dropped as u64;
        }
        self.phase = Phase::Over;
    }

    pub(super) fn typed_so_far(
        &mut self,
        position: u64,
        interrupts: u32,
        desk: &mut Desk,
    ) -> Result<(), ScreenError> {
        let Some(resume) = &mut self.resume else { return Ok(()) };
        match resume.is_at(position, interrupts) {
            Interrupt::Missed => self.interrupt(desk),
            Interrupt::None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn join() -> Join {
        Join::new(Viewer::from_bytes([1; 16]))
    }

    #[test]
    fn who_is_unknown_types_nothing_again() {
        let join = Join { typed_from: 3, typed_to: 9, interrupts: 2, ..join() };
        let (mut resume, interrupt) = Resume::begin(&join, 7, None);
        assert_eq!(resume.take_news(), Some(Frame::Joined(Joined { terminal: 7, typed: 9 })));
        assert!(interrupt == Interrupt::None, "it may have come");
        assert_eq!(resume.take_news(), None);
    }

    #[test]
    fn an_interrupt_is_done_once() {
        let former = Some(Typed { position: 5, interrupts: 1 });
        let join = Join { typed_from: 5, typed_to: 5, interrupts: 2, ..join() };
        let (mut resume, interrupt) = Resume::begin(&join, 7, former);
        assert!(interrupt == Interrupt::Missed);
        assert!(resume.is_at(6, 2) == Interrupt::None);
        assert!(resume.is_at(6, 3) == Interrupt::Missed);
        assert!(resume.is_at(6, 3) == Interrupt::None);
        assert_eq!(resume.typed, Typed { position: 6, interrupts: 3 });
    }

    proptest! {
        #[test]
        fn it_goes_on_where_both_can(from: u64, to: u64, known: Option<u64>) {
            let join = Join { typed_from: from, typed_to: to, ..join() };
            let former = known.map(|position| Typed { position, interrupts: 0 });
            let (mut resume, _) = Resume::begin(&join, 7, former);
            let Some(Frame::Joined(Joined { typed, .. })) = resume.take_news() else { panic!() };
            prop_assert!(join.typed().contains(&typed));
            if let Some(known) = known.filter(|known| join.typed().contains(known)) {
                prop_assert_eq!(typed, known);
            }
            // What the terminal has taken is never forgotten.
            prop_assert!(resume.typed.position >= known.unwrap_or_default());
        }
    }
}
