//! What leaves by a line, and in which order.

use std::{
    io, mem,
    task::{Context, Poll},
};

use screen_wire::Frame;
use tokio::time::sleep;

use super::{End, Kind, Line, Place, trunk};
use crate::screen::{
    desk::Desk,
    error::ScreenError,
    holder::{Alive, Progress, seat::Seat},
    viewer::Outlet,
};

/// Whose frames leave at present: a trunk says so whenever it changes.
pub(super) struct Address {
    outlet_is_at: u32,
    kind: Addressing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Addressing {
    Needless,
    Said,
}

impl Line {
    /// How much more output may come for those who are shown some; `None` where nobody is.
    pub(in crate::screen::holder) fn allows(&self, head: u64) -> Option<usize> {
        let alone = self.seats().filter_map(|seat| seat.allows(head)).max();
        let common = match &self.kind {
            Kind::Trunk(common) if self.is_followed() => Some(common.allows(head)),
            _ => None,
        };
        alone.max(common)
    }

    /// Sends what there is to be sent.
    pub(in crate::screen::holder) fn poll_output(
        &mut self,
        cx: &mut Context<'_>,
        desk: &mut Desk,
    ) -> Progress {
        let mut progress = Progress::None;
        while self.is_heard() {
            let sent = if self.outlet.is_idle() {
                match self.load(cx, desk) {
                    Ok(Progress::None) => return progress,
                    Ok(Progress::Made) => self.outlet.write_now(),
                    Err(error) => Err(error),
                }
            } else {
                match self.outlet.poll_write(cx) {
                    Poll::Pending => {
                        self.give_up_if_stuck(cx);
                        return progress;
                    }
                    Poll::Ready(sent) => sent,
                }
            };
            self.stuck = None;
            progress = Progress::Made;
            match sent {
                Ok(()) => {}
                // A viewer that left is an ordinary end, not an error.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.lost(desk),
                Err(error) => self.break_off(&ScreenError::Output(error), desk),
            }
        }
        progress
    }

    /// When all is over, one that takes nothing is not waited for.
    fn give_up_if_stuck(&mut self, cx: &mut Context<'_>) {
        if !self.seats().any(Seat::is_last) {
            return;
        }
        let patience = self.patience();
        let until = self.stuck.get_or_insert_with(|| Box::pin(sleep(patience)));
        if until.as_mut().poll(cx).is_ready() {
            self.end_unless_over();
            self.seats_mut().for_each(Seat::fail);
        }
    }

    /// Whether there is anybody who is told anything.
    fn is_heard(&self) -> bool {
        match (&self.kind, &self.end) {
            (Kind::Trunk(_), End::Open) => true,
            (Kind::Trunk(_), End::Over(_)) => false,
            (Kind::Alone, _) => self.seats().any(Seat::is_shown),
        }
    }

    /// Takes all that is due as the next to leave; only when the last frames have.
    fn load(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> io::Result<Progress> {
        self.seats_mut().for_each(Seat::has_been_told);
        self.outlet.begin();
        let loaded = self.try_load(cx, desk);
        loaded.map_err(|error| match error {
            ScreenError::Output(error) => error,
            other => io::Error::other(other.sentence()),
        })?;
        Ok(if self.outlet.is_idle() { Progress::None } else { Progress::Made })
    }

    fn try_load(&mut self, cx: &mut Context<'_>, desk: &mut Desk) -> Result<(), ScreenError> {
        let mut address = Address::of(&self.kind);
        let Self { outlet, places, kind, gathered, alive, .. } = self;
        let alive = mem::replace(alive, Alive::Sent);
        for Place { number, seat } in places.iter_mut().filter(|place| place.seat.is_shown()) {
            if let Some(joined) = seat.joined() {
                address.say(outlet, *number, joined)?;
            }
        }
        if alive == Alive::Due {
            address.say(outlet, 0, Frame::Alive)?;
        }
        for Place { number, seat } in places.iter_mut().filter(|place| place.seat.is_shown()) {
            if let Some(presence) = seat.presence() {
                address.say(outlet, *number, Frame::Presence(presence))?;
            }
            if let Some(credit) = seat.credit(alive) {
                address.say(outlet, *number, credit)?;
            }
        }
        let of = match kind {
            Kind::Alone => match places.first_mut() {
                Some(Place { number, seat }) => {
                    seat.fill(gathered, None, desk).map_err(ScreenError::Output)?;
                    if let Some(place) = seat.whereabouts() {
                        address.say(outlet, *number, place)?;
                    }
                    *number
                }
                None => 0,
            },
            Kind::Trunk(common) => {
                trunk::load(common, places, gathered, (outlet, &mut address), (cx, desk))?
            }
        };
        let common = match kind {
            Kind::Trunk(common) => Some((common.position, &common.window)),
            Kind::Alone => None,
        };
        for Place { number, seat } in places.iter_mut() {
            let its = *number == of || (of == 0 && seat.follows());
            let sends = its && !gathered.is_empty();
            if let Some(last) = seat.last_frame(cx, desk, sends, common) {
                address.say(outlet, *number, last)?;
            }
        }
        if !gathered.is_empty() {
            address.is_for(outlet, of)?;
            outlet.show(gathered)?;
        }
        if let Kind::Trunk(common) = kind {
            common.addressed = address.outlet_is_at;
        }
        Ok(())
    }
}

impl Address {
    fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Trunk(common) => Self { outlet_is_at: common.addressed, kind: Addressing::Said },
            Kind::Alone => Self { outlet_is_at: 0, kind: Addressing::Needless },
        }
    }

    /// What comes next is this viewer's.
    fn is_for(&mut self, outlet: &mut Outlet, viewer: u32) -> Result<(), ScreenError> {
        if self.kind == Addressing::Said && self.outlet_is_at != viewer {
            outlet.say(Frame::ToViewer { viewer })?;
            self.outlet_is_at = viewer;
        }
        Ok(())
    }

    pub(super) fn say(
        &mut self,
        outlet: &mut Outlet,
        viewer: u32,
        frame: Frame,
    ) -> Result<(), ScreenError> {
        self.is_for(outlet, viewer)?;
        Ok(outlet.say(frame)?)
    }
}
