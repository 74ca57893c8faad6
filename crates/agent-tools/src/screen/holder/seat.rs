//! One viewer's place at the terminal: what it says, what it is shown, and whether it is still there. Must not let input or
//! control wait behind output, nor control behind input.

mod leaving;
mod open;
mod resume;
mod show;

use std::{
    future::pending,
    io, mem,
    pin::Pin,
    task::{Context, Poll},
};

use screen_wire::Frame;
use tokio::time::{Interval, Sleep, sleep};

use super::{Progress, feed::Feed};
use crate::screen::{
    answers::{Answers, Filtered, Hand},
    desk::{Desk, Typist},
    error::ScreenError,
    handover::{self, Control, Word},
    size::Size,
    timer::{Due, Timer},
    typed::ViewerId,
    viewer::{Gathered, Inlet, Input, Outlet},
    window::{InputWindow, OutputWindow},
};
pub(super) use resume::Former;
use resume::Resume;

type Timed = Pin<Box<Sleep>>;

pub(super) struct Seat {
    id: ViewerId,
    control: Control,
    inlet: Inlet,
    stdin: Input,
    outlet: Outlet,
    /// Whether the other end of stdout has closed.
    gone: Pin<Box<dyn Future<Output = Result<(), ScreenError>>>>,
    timer: Timer,
    input: InputWindow,
    answers: Answers,
    /// Until what [`Answers`] hold back is taken for typed.
    held: Option<Timed>,
    typist: Typist,
    feed: Feed,
    output: OutputWindow,
    gathered: Gathered,
    alive: Alive,
    phase: Phase,
    /// Of one that may come again.
    resume: Option<Resume>,
}

/// Whether the viewer is to be given a sign of life.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alive {
    Due,
    Sent,
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
    /// With what is wrong, if something is.
    Over(Option<String>),
}

impl Seat {
    pub(super) fn id(&self) -> ViewerId {
        self.id
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over(_))
    }

    /// How much more output it has room for; `None` of one that is shown none.
    pub(super) fn allows(&self, head: u64) -> Option<usize> {
        let is_shown = matches!(self.phase, Phase::Present);
        is_shown.then(|| self.feed.allows(&self.output, head))
    }

    pub(super) fn fail(&mut self, sentence: &str) {
        self.phase = Phase::Over(Some(sentence.to_owned()));
    }

    /// The terminal has taken so many bytes of what waited, and `written` in all.
    pub(super) fn taken(&mut self, bytes: usize, written: u64) {
        self.input.take(bytes);
        self.typist.taken(written);
    }

    pub(super) fn program_ended(&mut self, code: i32) {
        self.phase = match mem::replace(&mut self.phase, Phase::Told) {
            Phase::Present => {
                Phase::Last { code, patience: Box::pin(sleep(self.timer.pace().alive)) }
            }
            Phase::Leaving { .. } => Phase::Over(None),
            other => other,
        };
    }

    pub(super) fn into_control(self) -> Control {
        self.control
    }

    /// Tells it that it is over, unless it is to hear that when `all` is; then it is given back.
    pub(super) fn say_goodbye(self, all: Option<()>) -> Option<Control> {
        let word = match self.phase {
            Phase::Over(Some(sentence)) => Word::Failed(sentence),
            _ if all.is_some() => return Some(self.control),
            _ => Word::Ended(handover::Holder::Stays),
        };
        self.control.say(&word);
        None
    }

    /// What it says, what is due, and whether it is there.
    pub(super) fn poll_input(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> Progress {
        let made = match self.try_poll_input(cx, desk) {
            Ok(progress) => progress,
            Err(error) => {
                self.cut(desk);
                self.phase = Phase::Over(Some(error.sentence()));
                Progress::Made
            }
        };
        if self.is_over() { Progress::None } else { made }
    }

    fn try_poll_input(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Result<Progress, ScreenError> {
        let mut progress = Progress::None;
        if self.stdin == Input::Open
            && let Poll::Ready(read) = self.inlet.poll_read(cx)
        {
            self.receive(read, desk)?;
            progress = Progress::Made;
        }
        match self.timer.poll_due(cx) {
            Poll::Ready(Due::Silence) => self.lost(desk),
            Poll::Ready(Due::Alive) => {
                self.say_alive();
                progress = Progress::Made;
            }
            Poll::Pending => {}
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
            if through || until.as_mut().poll(cx).is_ready() {
                // What the terminal has taken stays typed.
                self.gone_for_now(desk);
            }
        }
        if !self.is_over() && self.gone.as_mut().poll(cx).is_ready() {
            self.gone = Box::pin(pending());
            self.lost(desk);
        }
        if self.control.poll_gone(cx).is_ready() {
            self.lost(desk);
        }
        Ok(progress)
    }

    fn receive(&mut self, read: io::Result<Input>, desk: &mut Desk) -> Result<(), ScreenError> {
        self.stdin = read.map_err(ScreenError::Input)?;
        if self.stdin == Input::Ended {
            self.leave(desk);
            return Ok(());
        }
        self.timer.heard();
        while !self.is_over()
            && let Some(frame) = self.inlet.next()?
        {
            self.apply(frame, desk)?;
        }
        Ok(())
    }

    fn apply(&mut self, frame: Frame, desk: &mut Desk) -> Result<(), ScreenError> {
        let has_left = matches!(self.phase, Phase::Leaving { .. });
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
            Frame::Ping => self.say_alive(),
            Frame::OutputCredit { bytes } => self.output.acknowledge(bytes),
            Frame::Interrupt => self.interrupt(desk)?,
            Frame::Typed { position, interrupts } => {
                self.typed_so_far(position, interrupts, desk)?;
            }
            Frame::Compress => self.outlet.compress(),
            Frame::Leave => self.leave(desk),
            Frame::Output(_)
            | Frame::Compressed(_)
            | Frame::Exit { .. }
            | Frame::InputCredit { .. }
            | Frame::Joined(_)
            | Frame::Position { .. }
            | Frame::Alive => return Err(ScreenError::Direction(frame)),
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

    /// A sign of life carries what credit there is, however little: a message of its own for each
    /// few keystrokes would cost every hop as much as they do.
    fn say_alive(&mut self) {
        self.alive = Alive::Due;
        self.input.make_due();
    }
}
