//! All who look by one trunk, and what is common to them. Pure but for the wakers.

use std::{collections::BTreeMap, sync::Arc};

use screen_wire::{Enter, Frame, Joined, OUTPUT_WINDOW_BYTES, WireError};
use tokio::time::Instant;

use super::{
    log::{Log, Output},
    viewer::Viewer,
};
use crate::{
    closing::Lost,
    exec::{
        Event, ExecError, Over,
        channels::Protocol,
        frames::Outbox,
        outgoing::{Message, Outgoing},
    },
};

/// A credit waits for so much, in bytes: a message for each few would cost every hop as much as they do.
const CREDIT_BYTES: u64 = WINDOW / 4;
/// Of the common output, in bytes.
const WINDOW: u64 = OUTPUT_WINDOW_BYTES as u64;

pub(super) struct State {
    phase: Phase,
    viewers: BTreeMap<u32, Viewer>,
    /// The last number that was given.
    numbered: u32,
    /// What the stream itself says.
    says: Outgoing,
    /// Who said something last.
    spoke: u32,
    /// Whose the next frame of the screen is.
    addressed: u32,
    log: Log,
    /// Up to where in the log the screen may send.
    granted: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Phase {
    /// Nothing was heard of the screen yet.
    Opening,
    Open,
    /// Nobody may come any more.
    Closing,
    /// There is no exec.
    Failed(Arc<ExecError>),
    Over(Ended),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) over: Over,
    pub(super) last_written: Instant,
    /// Whether all that was taken to be written had left.
    pub(super) flushed: bool,
}

/// What one who enters hears first.
pub(super) enum First {
    Joined(Joined),
    /// There is no place for it.
    Full,
    Failed(Arc<ExecError>),
    Over(Over),
}

impl State {
    pub(super) fn new() -> Self {
        let mut says = Outgoing::of(0);
        says.compress();
        Self {
            phase: Phase::Opening,
            viewers: BTreeMap::new(),
            numbered: 0,
            says,
            spoke: 0,
            addressed: 0,
            log: Log::default(),
            granted: WINDOW,
        }
    }

    pub(super) fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Nobody comes or is told anything from now on but this.
    pub(super) fn end(&mut self, phase: Phase) {
        self.phase = phase;
        self.viewers.values_mut().for_each(Viewer::wake);
    }

    pub(super) fn close(&mut self) {
        self.phase = Phase::Closing;
        self.says.end_stdin();
    }

    pub(super) fn ping(&mut self) {
        self.says.ping();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.viewers.is_empty()
    }

    pub(super) fn viewer(&mut self, number: u32) -> Option<&mut Viewer> {
        self.viewers.get_mut(&number)
    }

    /// The number of one who comes; `None` where nobody may any more.
    pub(super) fn enter(&mut self, enter: Enter) -> Option<u32> {
        if !matches!(self.phase, Phase::Opening | Phase::Open) {
            return None;
        }
        let number = self.numbered.checked_add(1)?;
        self.numbered = number;
        self.viewers.insert(number, Viewer::new(number, enter));
        Some(number)
    }

    /// What one who came is told first. `None` where there is nothing yet.
    pub(super) fn first(&self, number: u32) -> Option<First> {
        let viewer = self.viewers.get(&number)?;
        if let Some(joined) = viewer.joined {
            return Some(First::Joined(joined));
        }
        if viewer.has_left() {
            return Some(First::Full);
        }
        match &self.phase {
            Phase::Failed(error) => Some(First::Failed(Arc::clone(error))),
            Phase::Over(ended) => Some(First::Over(ended.over)),
            Phase::Opening | Phase::Open | Phase::Closing => None,
        }
    }

    /// What one is to hear next. `None` where there is nothing yet.
    pub(super) fn next(&mut self, number: u32) -> Option<Result<Event, Over>> {
        let Self { viewers, log, phase, .. } = self;
        let viewer = viewers.get_mut(&number)?;
        let next = viewer.next(log);
        if matches!(next, Some(Event::Output(_) | Event::Compressed(_))) {
            self.forget();
        } else if next.is_none() && viewer.has_left() {
            return Some(Err(Over::Ended(Lost::Ended)));
        } else if let (None, Phase::Over(ended)) = (&next, phase) {
            return Some(Err(ended.over));
        }
        next.map(Ok)
    }

    /// The session of one is gone; its place may not be.
    pub(super) fn abandon(&mut self, number: u32) {
        if self.viewers.get(&number).is_some_and(|viewer| !viewer.says.has_entered()) {
            // Nobody has heard of it.
            self.viewers.remove(&number);
        }
        if let Some(viewer) = self.viewers.get_mut(&number) {
            // One that was told nothing of an end may come again, and must be known then: a hang-up would end that.
            if viewer.hears_all() {
                viewer.says.leave();
            } else {
                viewer.says.hang_up();
            }
            viewer.abandon();
        }
        self.tidy(number);
    }

    /// Takes what the screen says.
    pub(super) fn receive(&mut self, frame: Frame) -> Result<(), Over> {
        if matches!(self.phase, Phase::Opening) {
            self.phase = Phase::Open;
        }
        match (frame, self.addressed) {
            (Frame::ToViewer { viewer }, _) => self.addressed = viewer,
            (Frame::Output(bytes), 0) => self.show(Output::Plain(bytes))?,
            (Frame::Compressed(output), 0) => self.show(Output::Compressed(output))?,
            (Frame::Position { .. }, 0) => self.jump(),
            (Frame::Alive, 0) => {}
            (_, 0) => return Err(Over::Protocol),
            (frame, number) => {
                let viewer = self.viewers.get_mut(&number).ok_or(Over::Protocol)?;
                viewer.receive(frame, self.log.head())?;
                self.tidy(number);
                self.grant();
            }
        }
        Ok(())
    }

    /// The common output goes on.
    fn show(&mut self, output: Output) -> Result<(), Over> {
        self.log.push(output);
        // A credit may have passed the last jump on the way.
        if self.log.head() > self.granted + WINDOW {
            return Err(Over::Protocol);
        }
        self.redraw(Viewer::is_behind);
        self.forget();
        let followers = self.viewers.values_mut().filter(|viewer| viewer.follows().is_some());
        followers.for_each(Viewer::wake);
        Ok(())
    }

    /// The common output does not go on where it was, and has a whole window again.
    fn jump(&mut self) {
        self.redraw(|_, _| true);
        self.forget();
        self.says.drop_output_credit();
        self.granted = self.log.head() + WINDOW;
    }

    /// Shows those the screen anew who follow, and of whom this is true.
    fn redraw(&mut self, wanted: impl Fn(&Viewer, &Log) -> bool) {
        for viewer in self.viewers.values_mut() {
            if viewer.follows().is_some() && wanted(viewer, &self.log) {
                viewer.redraw();
            }
        }
    }

    /// Lets the screen send as much as the fastest of those who follow may be given.
    pub(super) fn grant(&mut self) {
        let limits = self.viewers.values().filter_map(|viewer| {
            Some(viewer.follows()? + viewer.room().min(OUTPUT_WINDOW_BYTES) as u64)
        });
        let due = limits.max().unwrap_or_default().saturating_sub(self.granted);
        if due >= CREDIT_BYTES {
            self.granted += due;
            // At most the window.
            self.says.output_credit(u32::try_from(due).unwrap_or(u32::MAX));
        }
    }

    /// Of the common output, in bytes.
    #[cfg(any(test, fuzzing))]
    pub(super) fn held_bytes(&self) -> u64 {
        self.log.head() - self.log.tail()
    }

    fn forget(&mut self) {
        let taken = self.viewers.values().filter_map(Viewer::follows).min();
        self.log.forget(taken.unwrap_or(self.log.head()));
    }

    fn tidy(&mut self, number: u32) {
        let is_over = matches!(self.phase, Phase::Over(_) | Phase::Failed(_));
        let forgotten =
            |viewer: &Viewer| viewer.is_forgotten() || (is_over && viewer.is_abandoned());
        if self.viewers.get(&number).is_some_and(forgotten) {
            self.viewers.remove(&number);
        }
        self.forget();
    }

    /// Whose turn it is among those of whom this is true.
    fn turn(&self, wanted: impl Fn(&Outgoing) -> bool) -> Option<u32> {
        let later = self.viewers.range(self.spoke.saturating_add(1)..);
        let mut all = later.chain(self.viewers.range(..=self.spoke));
        all.find(|(_, viewer)| wanted(&viewer.says)).map(|(number, _)| *number)
    }
}

/// Nobody's control waits behind what another one typed, and nobody's words behind those of one who says much.
impl State {
    pub(super) fn has_said_all(&self) -> bool {
        self.says.is_empty() && self.viewers.values().all(|viewer| viewer.says.is_empty())
    }

    pub(super) fn pop(&mut self, protocol: Protocol) -> Result<Option<Message>, WireError> {
        if self.says.has_control() {
            return self.says.pop(protocol);
        }
        let next = self.turn(Outgoing::has_control).or_else(|| self.turn(|says| !says.is_empty()));
        match next.and_then(|number| Some((number, self.viewers.get_mut(&number)?))) {
            Some((number, viewer)) => {
                self.spoke = number;
                viewer.says.pop(protocol)
            }
            None => self.says.pop(protocol),
        }
    }
}
