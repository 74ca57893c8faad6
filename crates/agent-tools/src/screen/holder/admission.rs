//! Who comes to the terminal, for the first time or again.

use screen_wire::Join;
use tokio::time::Instant;

use super::{
    Arrival, Holder,
    seat::{Former, Seat},
};
use crate::screen::{error::ScreenError, typed::ViewerId};

/// Each costs memory, and is looked after at every turn.
const VIEWERS_MAX: usize = 128;

impl Holder {
    pub(super) fn admit(&mut self, mut arrival: Arrival) {
        if self.code.is_some() {
            return; // It has heard nothing of us yet, and comes to the next holder.
        }
        let former = match &mut arrival.hello.join {
            Some(join) => {
                if join.terminal != self.terminal {
                    // What it has drawn was shown by another one.
                    join.drawn = None;
                }
                let join = *join;
                self.former(&join)
            }
            None => Former::default(),
        };
        if self.seats.len() >= VIEWERS_MAX {
            return arrival.fail(&ScreenError::Full(VIEWERS_MAX));
        }
        let id = former.id.unwrap_or_else(|| self.free_id());
        if let Some(seat) = Seat::take(id, arrival, former, self.terminal, &mut self.desk) {
            self.seats.push(seat);
            self.idle = None;
        }
    }

    /// What is known of a viewer; its former connection is over from now on.
    fn former(&mut self, join: &Join) -> Former {
        let seat = self.seats.iter().position(|seat| seat.is_of(join.viewer));
        let former = match seat.map(|seat| self.seats.swap_remove(seat)) {
            Some(seat) => seat.give_way(&mut self.desk),
            None => {
                Former { typed: self.memory.take(join.viewer, Instant::now()), ..Former::default() }
            }
        };
        // A viewer that was at another terminal meanwhile says nothing of this one.
        let typed = former.typed.filter(|_| join.terminal == self.terminal);
        Former { typed, ..former }
    }

    fn free_id(&mut self) -> ViewerId {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            let id = ViewerId(self.last_id);
            if self.seats.iter().all(|seat| seat.id() != id) {
                return id;
            }
        }
    }
}
