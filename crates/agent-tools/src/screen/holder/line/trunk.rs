//! What all viewers of a trunk are shown at once, and how each comes to that: it is sent what it misses alone, as far as
//! the common output is, and then follows.

use std::task::{Context, Poll};

use screen_wire::{Frame, MAX_PAYLOAD_BYTES};
use tokio::time::{Duration, sleep};

use super::{Line, Place, show::Address};
use crate::screen::{
    desk::Desk,
    error::ScreenError,
    holder::{
        feed::{self, Live},
        seat::{Seat, Timed},
    },
    ring::Ring,
    viewer::{Gathered, Outlet},
    window::OutputWindow,
};

/// The common output takes such steps while somebody is on the way to it, who takes larger ones.
const STEP_BYTES: usize = MAX_PAYLOAD_BYTES / 4;
/// One who is not behind the common output waits so long for those who take none of it: this part of the time between
/// two signs of life, of which there are ten seconds.
const WAIT_PART: u32 = 20;

pub(super) struct Common {
    /// Up to where in the program's output it is.
    pub(super) position: u64,
    pub(super) window: OutputWindow,
    /// Who has to be told that it has no place.
    pub(super) left: Vec<u32>,
    /// Whose frames left last.
    pub(super) addressed: u32,
    /// Whose turn it is among those who are sent output alone.
    turn: usize,
    last: Turn,
    /// Until those are dropped who take nothing, and keep others waiting.
    waits: Option<Timed>,
    wait_max: Duration,
}

/// Whose output was sent last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Common,
    Alone,
}

impl Common {
    pub(super) fn new(window: OutputWindow, alive: Duration) -> Self {
        Self {
            position: 0,
            window,
            left: vec![],
            addressed: 0,
            turn: 0,
            last: Turn::Common,
            waits: None,
            wait_max: alive / WAIT_PART,
        }
    }

    pub(super) fn allows(&self, head: u64) -> usize {
        feed::allowed(&self.window, head - self.position)
    }

    fn has_output(&self, output: &Ring) -> bool {
        self.window.room() > 0 && self.position < output.head()
    }

    /// It does not go on where it was.
    fn breaks_off(
        &mut self,
        position: u64,
        outlet: &mut Outlet,
        address: &mut Address,
    ) -> Result<(), ScreenError> {
        self.window = OutputWindow::new(self.window.window());
        address.say(outlet, 0, Frame::Position { position, screen_bytes: 0 })
    }

    /// Gathers what there is room for, as far as `to`.
    fn fill(&mut self, into: &mut Gathered, to: u64, most: usize, output: &Ring) {
        let room = self.window.room().min(most);
        while into.len() < room {
            let left = feed::up_to(self.position, to, room - into.len());
            let part = output.from(self.position, left);
            if part.is_empty() {
                break;
            }
            self.position += into.append(part) as u64;
        }
        self.window.send(into.len());
    }
}

impl Line {
    pub(super) fn is_followed(&self) -> bool {
        self.seats().any(Seat::follows)
    }
}

/// Loads what is due to those who come and go, and gathers the next output. Returns whose that is.
pub(super) fn load(
    common: &mut Common,
    places: &mut [Place],
    gathered: &mut Gathered,
    (outlet, address): (&mut Outlet, &mut Address),
    (cx, desk): (&mut Context<'_>, &mut Desk),
) -> Result<u32, ScreenError> {
    for viewer in std::mem::take(&mut common.left) {
        address.say(outlet, viewer, Frame::Left)?;
    }
    if is_stuck(common, places, cx, desk.output()) {
        for Place { seat, .. } in places.iter_mut() {
            seat.drop_common();
        }
        common.breaks_off(desk.output().head(), outlet, address)?;
    }
    if let Some(position) = begin(places, desk.output()) {
        common.position = position;
        if common.window.unacknowledged() > 0 {
            common.breaks_off(position, outlet, address)?;
        }
    }
    if common.window.room() > 0 {
        for Place { number, seat } in places.iter_mut() {
            if seat.is_at().is_some_and(|at| at.position == common.position) {
                seat.follow();
                address.say(outlet, *number, Frame::Follows)?;
            }
        }
    }
    let is_followed = places.iter().any(|place| place.seat.follows());
    let common_first =
        is_followed && common.last == Turn::Alone && common.has_output(desk.output());
    if !common_first
        && let Some((number, place)) = alone(common, places, gathered, is_followed, desk)?
    {
        common.last = Turn::Alone;
        if let Some(place) = place {
            address.say(outlet, number, place)?;
        }
        return Ok(number);
    }
    if is_followed {
        let ahead = places.iter().filter_map(|place| Some(place.seat.is_at()?.position));
        let to = ahead.filter(|at| *at > common.position).min().unwrap_or(u64::MAX);
        let catching_up = common_first || places.iter().any(|place| place.seat.is_at().is_some());
        let most = if catching_up { STEP_BYTES } else { MAX_PAYLOAD_BYTES };
        common.fill(gathered, to, most, desk.output());
        common.last = Turn::Common;
    }
    Ok(0)
}

/// Whether those who follow are too slow for all others: for viewers of another line, or for one who waits to follow.
fn is_stuck(common: &mut Common, places: &[Place], cx: &mut Context<'_>, output: &Ring) -> bool {
    if !places.iter().any(|place| place.seat.follows()) {
        common.waits = None;
        return false;
    }
    let behind = common.position < output.tail()
        || feed::owes_too_much(common.position, &common.window, output);
    let waits = places.iter().any(|place| {
        let seat = &place.seat;
        seat.has_room() && seat.is_at().is_some_and(|at| at.position >= common.position)
    });
    if !behind && (!waits || common.window.room() > 0) {
        common.waits = None;
        return false;
    }
    let stuck = behind || {
        let wait_max = common.wait_max;
        let until = common.waits.get_or_insert_with(|| Box::pin(sleep(wait_max)));
        until.as_mut().poll(cx) == Poll::Ready(())
    };
    if stuck {
        common.waits = None;
    }
    stuck
}

/// Where the common output begins, which nobody follows: with the first who is through.
fn begin(places: &[Place], output: &Ring) -> Option<u64> {
    if places.iter().any(|place| place.seat.follows()) {
        return None;
    }
    let head = output.head();
    let through = |at: &Live| at.is_caught_up() || at.position == head;
    let first = places.iter().filter_map(|place| place.seat.is_at().filter(through));
    first.map(|at| at.position).max()
}

/// The next who is sent output alone: its number, and where it is to be told to be.
fn alone(
    common: &mut Common,
    places: &mut [Place],
    gathered: &mut Gathered,
    is_followed: bool,
    desk: &mut Desk,
) -> Result<Option<(u32, Option<Frame>)>, ScreenError> {
    let to = is_followed.then_some(common.position);
    for _ in 0..places.len() {
        common.turn = (common.turn + 1) % places.len();
        let Some(Place { number, seat }) = places.get_mut(common.turn) else { break };
        if !seat.is_shown() {
            continue;
        }
        seat.fill(gathered, to, desk).map_err(ScreenError::Output)?;
        let place = seat.whereabouts();
        if place.is_some() || !gathered.is_empty() {
            return Ok(Some((*number, place)));
        }
    }
    Ok(None)
}
