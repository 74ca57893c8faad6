//! The streams by which one viewer comes, or all those of a trunk: whose each frame is, and whether somebody is still at
//! the other end. Must not let input or control wait behind output.

mod hear;
mod open;
mod show;
mod trunk;

use std::{pin::Pin, time::Duration};

use screen_wire::Enter;

use super::{
    Alive,
    seat::{Seat, Timed},
};
use crate::screen::{
    desk::Desk,
    error::ScreenError,
    handover::{Control, Holder, Word},
    timer::Timer,
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
    /// Until what is last to leave is not waited for any more, while none of it does.
    stuck: Option<Timed>,
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

    /// Whether nothing waits to be told to a trunk.
    pub(super) fn is_told(&self) -> bool {
        match (&self.kind, &self.end) {
            (Kind::Trunk(common), End::Open) => common.left.is_empty() && self.outlet.is_idle(),
            _ => true,
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
        for place in &over {
            self.left(place.number);
        }
        over.into_iter().map(|place| place.seat).collect()
    }

    /// The terminal has taken so many bytes of what this viewer typed, and `written` in all.
    pub(super) fn typed(&mut self, id: ViewerId, bytes: usize, written: u64) {
        if let Some(seat) = self.seats_mut().find(|seat| seat.id() == id) {
            seat.taken(bytes, written);
        }
    }

    /// Something is wrong with what is said, or with the stream: its own fault of one that comes alone. Those of a trunk
    /// may come again by another one.
    fn break_off(&mut self, error: &ScreenError, desk: &mut Desk) {
        self.end = End::Over(Some(error.sentence()));
        self.stdin = Input::Ended;
        match self.kind {
            Kind::Alone => self.seats_mut().for_each(|seat| seat.cut(desk)),
            Kind::Trunk(_) => self.seats_mut().for_each(|seat| seat.lost(desk)),
        }
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
