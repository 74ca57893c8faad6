//! What a viewer is sent, and in which order.

use std::{
    io,
    task::{Context, Poll},
};

use screen_wire::Frame;
use tokio::time::Instant;

use super::{Phase, Seat, resume::Resume};
use crate::screen::{
    desk::Desk,
    holder::{
        Alive,
        feed::{Live, Missing, Place, Stream},
    },
    viewer::Gathered,
    window::OutputWindow,
};

impl Seat {
    /// How much more output it has room for; `None` of one for whom none comes.
    pub(in crate::screen::holder) fn allows(&self, head: u64) -> Option<usize> {
        match self.phase {
            Phase::Present => self.feed.allows(&self.output, head),
            _ => None,
        }
    }

    /// Whether it is sent anything.
    pub(in crate::screen::holder) fn is_shown(&self) -> bool {
        matches!(self.phase, Phase::Present | Phase::Last { .. } | Phase::Told)
    }

    /// How far with its input one was that came again: it is told that first of all.
    pub(in crate::screen::holder) fn joined(&mut self) -> Option<Frame> {
        self.resume.as_mut().and_then(Resume::take_news)
    }

    /// Credit for its input, if some is due, also because there is a sign of life to go with.
    pub(in crate::screen::holder) fn credit(&mut self, alive: Alive) -> Option<Frame> {
        if alive == Alive::Sent && !self.input.credit_is_due() {
            return None;
        }
        self.input.due_credit().map(|bytes| Frame::InputCredit { bytes })
    }

    /// Gathers output that is its own, up to the position `to` if there is one.
    pub(in crate::screen::holder) fn fill(
        &mut self,
        into: &mut Gathered,
        to: Option<u64>,
        desk: &mut Desk,
    ) -> io::Result<()> {
        let (stream, to) = match self.phase {
            Phase::Present => (Stream::GoesOn, to),
            // It does not come to follow any more.
            _ => (Stream::Over, None),
        };
        let Self { feed, output, typist, .. } = self;
        feed.fill(into, output, (stream, to), desk, typist)?;
        self.output.send(into.len());
        Ok(())
    }

    /// What one that may come again is told of where it is: before what was gathered.
    pub(in crate::screen::holder) fn whereabouts(&mut self) -> Option<Frame> {
        self.resume.as_ref()?;
        let Place { position, screen_bytes } = self.feed.place()?;
        self.feed.placed();
        Some(Frame::Position { position, screen_bytes })
    }

    /// Where in the output one is that is shown it, and was told so.
    pub(in crate::screen::holder) fn is_at(&self) -> Option<Live> {
        self.feed.is_at().filter(|_| matches!(self.phase, Phase::Present))
    }

    pub(in crate::screen::holder) fn has_room(&self) -> bool {
        self.output.room() > 0
    }

    pub(in crate::screen::holder) fn follows(&self) -> bool {
        self.feed.is_common() && self.is_shown()
    }

    /// It is shown the trunk's common output from now on.
    pub(in crate::screen::holder) fn follow(&mut self) {
        self.feed.follow();
    }

    /// The trunk's common output does not go on where it was.
    pub(in crate::screen::holder) fn drop_common(&mut self) {
        self.feed.drop_common();
    }

    /// Whether it is only told the program's end any more.
    pub(in crate::screen::holder) fn is_last(&self) -> bool {
        matches!(self.phase, Phase::Last { .. } | Phase::Told)
    }

    /// The exit code, once all of the output has been sent, or is not taken. `sends` says whether it is about to be
    /// sent some, `common` up to where the common output was sent, and how much of it may be.
    pub(in crate::screen::holder) fn last_frame(
        &mut self,
        cx: &mut Context<'_>,
        desk: &Desk,
        sends: bool,
        common: Option<(u64, &OutputWindow)>,
    ) -> Option<Frame> {
        let Phase::Last { code, patience } = &mut self.phase else { return None };
        let missing = self.feed.missing(desk.output().head(), &self.output, common);
        if sends || missing == Missing::Coming {
            patience.as_mut().reset(Instant::now() + self.patience);
            return None;
        }
        if missing == Missing::NoRoom && patience.as_mut().poll(cx) == Poll::Pending {
            return None;
        }
        let code = *code;
        self.phase = Phase::Told;
        Some(Frame::Exit { code })
    }

    /// What was to be told has left.
    pub(in crate::screen::holder) fn has_been_told(&mut self) {
        if matches!(self.phase, Phase::Told) {
            self.phase = Phase::Over;
        }
    }
}
