//! The streams by which one viewer comes, or all those of a trunk: whose each frame is, and whether somebody is still at
//! the other end. Must not let input or control wait behind output.

mod open;
mod show;
mod trunk;

use std::{
    future::pending,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use screen_wire::{Enter, Frame};

use super::{Alive, Progress, seat::Seat};
use crate::screen::{
    desk::Desk,
    error::ScreenError,
    handover::{Control, Holder, Word},
    timer::{Due, Timer},
    typed::ViewerId,
    viewer::{Gathered, Inlet, Input, Outlet},
};
use trunk::Common;

pub(super) struct Line {
    control: Control,
    inlet: Inlet,
    stdin: Input,
    outlet: Outlet,
    /// Whether the other end of stdout has closed.
    gone: Pin<Box<dyn Future<Output = Result<(), ScreenError>>>>,
    timer: Timer,
    gathered: Gathered,
    alive: Alive,
    kind: Kind,
    places: Vec<Place>,
    /// Who says what comes next: 0 is the stream itself, and the only one of a line that is no trunk.
    speaker: u32,
    end: End,
}

/// A viewer by its number on the line.
struct Place {
    number: u32,
    seat: Seat,
}

enum Kind {
    Alone,
    Trunk(Box<Common>),
}

/// Whether anybody may still come by the line.
enum End {
    Open,
    /// Nobody; with what is wrong, if something is.
    Over(Option<String>),
}

/// What one says that its line cannot answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entering {
    pub(super) number: u32,
    pub(super) enter: Enter,
}

impl Line {
    pub(super) fn seats(&self) -> impl Iterator<Item = &Seat> {
        self.places.iter().map(|place| &place.seat)
    }

    pub(super) fn seats_mut(&mut self) -> impl Iterator<Item = &mut Seat> {
        self.places.iter_mut().map(|place| &mut place.seat)
    }

    /// How long a viewer of it may take nothing when all is over.
    pub(super) fn patience(&self) -> Duration {
        self.timer.pace().alive
    }

    pub(super) fn put(&mut self, number: u32, seat: Seat) {
        self.places.push(Place { number, seat });
    }

    /// Takes a viewer's place away, whose number is not told anything any more.
    pub(super) fn take(&mut self, wanted: impl Fn(&Seat) -> bool) -> Option<Seat> {
        let index = self.places.iter().position(|place| wanted(&place.seat))?;
        let Place { number, seat } = self.places.swap_remove(index);
        self.left(number);
        Some(seat)
    }

    /// The viewer of this number has no place, or has it no more.
    pub(super) fn left(&mut self, number: u32) {
        if let Kind::Trunk(common) = &mut self.kind {
            common.left.push(number);
        }
    }

    /// Whether nobody comes by it any more, and nobody is left who did.
    pub(super) fn is_over(&self) -> bool {
        let may_come = matches!((&self.kind, &self.end), (Kind::Trunk(_), End::Open));
        self.places.is_empty() && !may_come
    }

    /// Tells it that it is over, unless it is to hear that when `all` is; then it is given back.
    pub(super) fn say_goodbye(self, all: Option<()>) -> Option<Control> {
        let word = match self.end {
            End::Over(Some(sentence)) => Word::Failed(sentence),
            _ if all.is_some() => return Some(self.control),
            _ => Word::Ended(Holder::Stays),
        };
        self.control.say(&word);
        None
    }

    pub(super) fn into_control(self) -> Control {
        self.control
    }

    /// The terminal has failed for all who look.
    pub(super) fn fail(&mut self, sentence: &str) {
        self.end = End::Over(Some(sentence.to_owned()));
        self.seats_mut().for_each(Seat::fail);
    }

    /// Takes those out who are through.
    pub(super) fn see_off(&mut self) -> Vec<Seat> {
        let over = self.places.extract_if(.., |place| place.seat.is_over());
        let over: Vec<Place> = over.collect();
        over.iter().for_each(|place| self.left(place.number));
        over.into_iter().map(|place| place.seat).collect()
    }

    /// The terminal has taken so many bytes of what this viewer typed, and `written` in all.
    pub(super) fn typed(&mut self, id: ViewerId, bytes: usize, written: u64) {
        if let Some(seat) = self.seats_mut().find(|seat| seat.id() == id) {
            seat.taken(bytes, written);
        }
    }

    /// What is said, what is due, and whether anybody is there. One who comes has to be given a place before the next
    /// is heard.
    pub(super) fn poll_input(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> (Progress, Option<Entering>) {
        match self.try_poll_input(cx, desk) {
            Ok(heard) => heard,
            Err(error) => {
                let sentence = error.sentence();
                for Place { seat, .. } in &mut self.places {
                    seat.cut(desk);
                }
                self.end = End::Over(Some(sentence));
                (Progress::Made, None)
            }
        }
    }

    fn try_poll_input(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Result<(Progress, Option<Entering>), ScreenError> {
        let mut progress = Progress::None;
        if let Some(entering) = self.hear(desk)? {
            return Ok((Progress::Made, Some(entering)));
        }
        if self.stdin == Input::Open
            && let Poll::Ready(read) = self.inlet.poll_read(cx)
        {
            progress = Progress::Made;
            let entering = self.receive(read, desk)?;
            if entering.is_some() {
                return Ok((progress, entering));
            }
        }
        match self.timer.poll_due(cx) {
            Poll::Ready(Due::Silence) => self.lost(desk),
            Poll::Ready(Due::Alive) => {
                self.say_alive();
                progress = Progress::Made;
            }
            Poll::Pending => {}
        }
        for Place { seat, .. } in &mut self.places {
            progress = progress.and(seat.poll_due(cx, desk)?);
        }
        if self.gone.as_mut().poll(cx).is_ready() {
            self.gone = Box::pin(pending());
            self.lost(desk);
        }
        if self.control.poll_gone(cx).is_ready() {
            self.lost(desk);
        }
        Ok((progress, None))
    }

    fn receive(
        &mut self,
        read: io::Result<Input>,
        desk: &mut Desk,
    ) -> Result<Option<Entering>, ScreenError> {
        self.stdin = read.map_err(ScreenError::Input)?;
        if self.stdin == Input::Ended {
            self.end_unless_over();
            self.seats_mut().for_each(|seat| seat.leave(desk));
            return Ok(None);
        }
        self.timer.heard();
        self.hear(desk)
    }

    /// What was read, up to one who comes.
    fn hear(&mut self, desk: &mut Desk) -> Result<Option<Entering>, ScreenError> {
        while !self.is_over()
            && let Some(frame) = self.inlet.next()?
        {
            let entering = self.apply(frame, desk)?;
            if entering.is_some() {
                return Ok(entering);
            }
        }
        Ok(None)
    }

    fn apply(&mut self, frame: Frame, desk: &mut Desk) -> Result<Option<Entering>, ScreenError> {
        if let Frame::Enter(enter) = frame
            && matches!(self.kind, Kind::Trunk(_))
            && self.admits(self.speaker)
        {
            return Ok(Some(Entering { number: self.speaker, enter }));
        }
        match (frame, &mut self.kind) {
            (Frame::Ping, _) => self.say_alive(),
            (Frame::Compress, _) => self.outlet.compress(),
            (Frame::FromViewer { viewer }, Kind::Trunk(_)) => self.speaker = viewer,
            (Frame::OutputCredit { bytes }, Kind::Trunk(common)) if self.speaker == 0 => {
                common.window.acknowledge(bytes);
            }
            (frame, _) => {
                let speaker = self.speaker;
                let of = self.places.iter_mut().find(|place| place.number == speaker);
                match (of, &self.kind) {
                    (Some(Place { seat, .. }), _) => seat.apply(frame, desk)?,
                    // It has left in this moment, or is the stream itself, which says no such thing.
                    (None, Kind::Trunk(_)) if speaker > 0 => {}
                    (None, _) => return Err(ScreenError::Direction(frame)),
                }
            }
        }
        Ok(None)
    }

    /// Whether one of this number may come.
    fn admits(&self, number: u32) -> bool {
        let is_new = number > 0 && self.places.iter().all(|place| place.number != number);
        is_new && matches!(self.end, End::Open)
    }

    /// The connection broke.
    fn lost(&mut self, desk: &mut Desk) {
        self.end_unless_over();
        self.seats_mut().for_each(|seat| seat.lost(desk));
    }

    fn end_unless_over(&mut self) {
        if matches!(self.end, End::Open) {
            self.end = End::Over(None);
        }
    }

    /// A sign of life carries what credit there is, however little: a message of its own for each
    /// few keystrokes would cost every hop as much as they do.
    fn say_alive(&mut self) {
        self.alive = Alive::Due;
        self.seats_mut().for_each(Seat::make_credit_due);
    }
}
