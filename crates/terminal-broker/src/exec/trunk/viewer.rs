//! One viewer of a trunk: what it is to hear, what it says, and how much output it may be given. Pure.

use std::task::Waker;

use screen_wire::{Enter, Frame, Joined};
use terminal_proto::v1::Presence;

use super::log::Log;
use crate::{
    exec::{Event, Over, outgoing::Outgoing},
    pieces::{Marked, Next},
    viewer::POSITIONS_MAX,
};

/// What one who follows may be behind, beyond what it may be given at once, in bytes. Then it is shown the screen anew.
const BEHIND_BYTES_MAX: u64 = 64 * 1024;

pub(super) struct Viewer {
    pub(super) says: Outgoing,
    pub(super) joined: Option<Joined>,
    place: Place,
    hearing: Hearing,
    /// Output that is its alone, and where in the program's output it is.
    own: Marked<Event>,
    positions: usize,
    /// In bytes.
    input_credit: u32,
    /// Only the last counts.
    presence: Option<Presence>,
    exit: Option<i32>,
    window: usize,
    /// What it was given, or waits in `own`, and was not credited. In bytes.
    under_way: usize,
    /// Up to where in the log it was given it, while it follows.
    follows: Option<u64>,
    waker: Option<Waker>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Taken,
    /// The screen says that it has none, or has it no more.
    Left,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearing {
    All,
    /// Of its place.
    EndOnly,
    /// It is not there any more, and nobody waits for its end.
    Nothing,
}

impl Viewer {
    pub(super) fn new(number: u32, enter: Enter) -> Self {
        let mut says = Outgoing::of(number);
        says.enter(enter);
        Self {
            says,
            joined: None,
            place: Place::Taken,
            hearing: Hearing::All,
            own: Marked::default(),
            positions: 0,
            input_credit: 0,
            presence: None,
            exit: None,
            window: enter.window_bytes as usize,
            under_way: 0,
            follows: None,
            waker: None,
        }
    }

    pub(super) fn follows(&self) -> Option<u64> {
        self.follows
    }

    /// How much of the log it may be given now.
    pub(super) fn room(&self) -> usize {
        self.window.saturating_sub(self.under_way)
    }

    /// Whether it is there no more in any sense.
    pub(super) fn is_forgotten(&self) -> bool {
        self.place == Place::Left && self.hearing == Hearing::Nothing
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.hearing == Hearing::Nothing
    }

    /// Takes what the screen says to it, when the log ends at `head`.
    pub(super) fn receive(&mut self, frame: Frame, head: u64) -> Result<(), Over> {
        match frame {
            Frame::Left => (self.place, self.follows) = (Place::Left, None),
            _ if self.place == Place::Left => return Err(Over::Protocol),
            _ if self.hearing != Hearing::All => {}
            Frame::Joined(joined) if self.joined.is_none() => self.joined = Some(joined),
            Frame::Follows if self.follows.is_none() && self.joined.is_some() => {
                self.follows = Some(head);
            }
            frame if self.joined.is_some() => {
                self.event(Event::of(frame).ok_or(Over::Protocol)?)?;
            }
            _ => return Err(Over::Protocol),
        }
        self.wake();
        Ok(())
    }

    fn event(&mut self, event: Event) -> Result<(), Over> {
        match event {
            Event::Output(bytes) => {
                self.give(bytes.len())?;
                self.own.push(bytes);
            }
            Event::Compressed(output) => {
                self.give(output.output_bytes() as usize)?;
                self.own.mark(Event::Compressed(output));
            }
            Event::Position(_) if self.positions >= POSITIONS_MAX => return Err(Over::Protocol),
            Event::Position(position) => {
                self.positions += 1;
                self.own.mark(Event::Position(position));
            }
            Event::InputCredit(bytes) => {
                self.input_credit = self.input_credit.checked_add(bytes).ok_or(Over::Protocol)?;
            }
            Event::Presence(presence) => self.presence = Some(presence),
            Event::Exited(code) => self.exit = Some(code),
            Event::Alive => return Err(Over::Protocol),
        }
        Ok(())
    }

    fn give(&mut self, bytes: usize) -> Result<(), Over> {
        self.under_way += bytes;
        if self.under_way > self.window { Err(Over::Protocol) } else { Ok(()) }
    }

    /// The viewer has taken so many bytes of output.
    pub(super) fn credit(&mut self, bytes: u32) {
        self.under_way = self.under_way.saturating_sub(bytes as usize);
        if self.follows.is_none() {
            self.says.output_credit(bytes);
        }
        // There may be more of the log to be given.
        self.wake();
    }

    /// Whether the log ends so far from it that it is to be shown the screen anew, as it then is.
    pub(super) fn is_behind(&self, log: &Log) -> bool {
        let room = self.room() as u64;
        self.follows.is_some_and(|at| {
            at < log.tail() || log.head() - at > room.saturating_add(BEHIND_BYTES_MAX)
        })
    }

    pub(super) fn redraw(&mut self) {
        self.follows = None;
        // At most the window.
        self.says.redraw(u32::try_from(self.under_way).unwrap_or(u32::MAX));
    }

    /// What it is to hear next. `None` where there is nothing yet.
    pub(super) fn next(&mut self, log: &mut Log) -> Option<Event> {
        if self.input_credit > 0 {
            return Some(Event::InputCredit(std::mem::take(&mut self.input_credit)));
        }
        if let Some(presence) = self.presence.take() {
            return Some(Event::Presence(presence));
        }
        match self.own.pop() {
            Some(Next::Bytes(bytes)) => return Some(Event::Output(bytes)),
            Some(Next::Mark(event)) => {
                self.positions -= usize::from(matches!(event, Event::Position(_)));
                return Some(event);
            }
            None => {}
        }
        if let Some(at) = &mut self.follows {
            let room = self.window.saturating_sub(self.under_way);
            if let Some(output) = log.read(*at, room) {
                *at += output.bytes() as u64;
                self.under_way += output.bytes();
                return Some(output.into());
            }
            if *at < log.head() {
                return None;
            }
        }
        self.exit.take().map(Event::Exited)
    }

    /// Whether the screen says that there is no place for it, or no more.
    pub(super) fn has_left(&self) -> bool {
        self.place == Place::Left
    }

    /// It is told nothing more but its end.
    pub(super) fn hear_the_end_only(&mut self) {
        self.hearing = Hearing::EndOnly;
        (self.follows, self.exit, self.presence, self.input_credit) = (None, None, None, 0);
        self.own.clear();
    }

    /// Whether no end of it was said.
    pub(super) fn hears_all(&self) -> bool {
        self.hearing == Hearing::All
    }

    /// Its session is gone.
    pub(super) fn abandon(&mut self) {
        self.hear_the_end_only();
        self.hearing = Hearing::Nothing;
        self.waker = None;
    }

    pub(super) fn wait(&mut self, waker: &Waker) {
        self.waker = Some(waker.clone());
    }

    pub(super) fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
