//! One viewer's place at the terminal: what it says, and what it is shown. It must not know by which streams it comes, nor
//! who else does. Must not let control wait behind input.

mod leaving;
mod open;
mod resume;
mod show;

use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use screen_wire::Frame;
use tokio::time::{Interval, Sleep, sleep};

use super::{Progress, feed::Feed, presence::Told};
use crate::screen::{
    answers::{Answers, Filtered, Hand},
    desk::{Desk, Typist},
    error::ScreenError,
    size::Size,
    typed::ViewerId,
    window::{InputWindow, OutputWindow},
};
pub(super) use open::Opening;
pub(super) use resume::Former;
use resume::Resume;

pub(super) type Timed = Pin<Box<Sleep>>;

pub(super) struct Seat {
    id: ViewerId,
    input: InputWindow,
    answers: Answers,
    /// Until what [`Answers`] hold back is taken for typed.
    held: Option<Timed>,
    typist: Typist,
    feed: Feed,
    output: OutputWindow,
    phase: Phase,
    /// How long it may take nothing when all is over.
    patience: Duration,
    /// Of one that may come again.
    resume: Option<Resume>,
}

enum Phase {
    Present,
    /// It has left by itself: what it typed still counts, until then.
    Leaving {
        until: Timed,
        check: Interval,
    },
    /// The program has ended with this code; so long one without credit keeps it from being told.
    Last {
        code: i32,
        patience: Timed,
    },
    /// The code has been told, as soon as it has left.
    Told,
    Over,
}

impl Seat {
    pub(super) fn id(&self) -> ViewerId {
        self.id
    }

    pub(super) fn is_present(&self) -> bool {
        matches!(self.phase, Phase::Present)
    }

    /// What one that may come again was told of those who look.
    pub(super) fn presence_mut(&mut self) -> Option<&mut Told> {
        self.resume.as_mut().map(Resume::presence_mut)
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// The terminal has failed.
    pub(super) fn fail(&mut self) {
        self.phase = Phase::Over;
    }

    /// The terminal has taken so many bytes of what waited, and `written` in all.
    pub(super) fn taken(&mut self, bytes: usize, written: u64) {
        self.input.take(bytes);
        self.typist.taken(written);
    }

    pub(super) fn program_ended(&mut self, code: i32) {
        self.phase = match mem::replace(&mut self.phase, Phase::Told) {
            Phase::Present => Phase::Last { code, patience: Box::pin(sleep(self.patience)) },
            Phase::Leaving { .. } => Phase::Over,
            other => other,
        };
    }

    /// What of it is due.
    pub(super) fn poll_due(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Result<Progress, ScreenError> {
        let mut progress = Progress::None;
        if self.is_over() {
            return Ok(progress);
        }
        if let Some(held) = &mut self.held
            && held.as_mut().poll(cx).is_ready()
        {
            let typed = self.answers.give_up();
            self.pass(typed, desk)?;
            progress = Progress::Made;
        }
        if let Phase::Leaving { until, check } = &mut self.phase {
            let mut through = false;
            while check.poll_tick(cx).is_ready() {
                through = !desk.has_unread(self.id);
            }
            if through || until.as_mut().poll(cx) == Poll::Ready(()) {
                // What the terminal has taken stays typed.
                self.gone_for_now(desk);
            }
        }
        Ok(progress)
    }

    /// What it says of itself, and not of its streams.
    pub(super) fn apply(&mut self, frame: Frame, desk: &mut Desk) -> Result<(), ScreenError> {
        let has_left = matches!(self.phase, Phase::Leaving { .. } | Phase::Over);
        match frame {
            Frame::HangUp => self.cut(desk),
            _ if has_left => {}
            Frame::Input(typed) => {
                self.input.receive(typed.len())?;
                if let Some(resume) = &mut self.resume {
                    resume.received(typed.len());
                }
                let Self { answers, typist, .. } = self;
                let typed = answers.take(&typed, || desk.cursor_answer(typist));
                self.pass(typed, desk)?;
            }
            Frame::Resize { columns, rows } => {
                if let Some(size) = Size::new(columns, rows) {
                    desk.tell_size(self.id, size).map_err(ScreenError::Terminal)?;
                }
            }
            Frame::OutputCredit { bytes } => self.output.acknowledge(bytes),
            Frame::Interrupt => self.interrupt(desk)?,
            Frame::Typed { position, interrupts } => {
                self.typed_so_far(position, interrupts, desk)?;
            }
            Frame::Redraw { unacknowledged } => {
                if self.feed.redraw() {
                    self.output.set_unacknowledged(unacknowledged);
                }
            }
            Frame::Leave => self.leave(desk),
            other => return Err(ScreenError::Direction(other)),
        }
        Ok(())
    }

    fn interrupt(&mut self, desk: &mut Desk) -> Result<(), ScreenError> {
        self.input.take(self.answers.give_up().typed.len());
        let dropped = desk.interrupt(self.id, &mut self.typist);
        self.input.take(dropped.map_err(ScreenError::Terminal)?);
        desk.hand_of(self.id).map_err(ScreenError::Terminal)
    }

    fn pass(&mut self, filtered: Filtered, desk: &mut Desk) -> Result<(), ScreenError> {
        let Filtered { typed, dropped, hand } = filtered;
        self.held = self.answers.patience().map(|patience| Box::pin(sleep(patience)));
        self.input.take(dropped);
        if hand == Hand::Typed {
            desk.hand_of(self.id).map_err(ScreenError::Terminal)?;
        }
        let count = desk.type_by(self.id, &mut self.typist, &typed);
        self.input.take(count.map_err(ScreenError::Terminal)?);
        Ok(())
    }

    /// Credit waits no longer, however little it is.
    pub(super) fn make_credit_due(&mut self) {
        self.input.make_due();
    }
}
