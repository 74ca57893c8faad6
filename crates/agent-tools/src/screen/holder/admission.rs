//! Who comes to the terminal, for the first time or again.

use std::time::Duration;

use screen_wire::{Comes, Enter, Join};
use tokio::time::Instant;

use super::{
    Arrival, Holder,
    line::{Entering, Line},
    seat::{Former, Opening, Seat},
};
use crate::screen::{error::ScreenError, size::Size, typed::ViewerId};

/// Each costs memory, and is looked after at every turn.
const VIEWERS_MAX: usize = 128;

impl Holder {
    pub(super) fn admit(&mut self, arrival: Arrival) {
        if self.code.is_some() {
            return; // It has heard nothing of us yet, and comes to the next holder.
        }
        if self.lines.len().max(self.seats().count()) >= VIEWERS_MAX {
            return arrival.fail(&ScreenError::Full(VIEWERS_MAX));
        }
        let Arrival { size, hello, streams, control } = arrival;
        let Some(mut line) = Line::open(&hello, streams, control) else { return };
        if let Comes::Alone(join) = hello.comes {
            let (window_bytes, patience) = (hello.window_bytes, hello.alive());
            let seat = self.seat(Opening { size, window_bytes, join, patience });
            line.put(0, seat);
        }
        self.lines.push(line);
        self.idle = None;
    }

    /// One comes by the trunk of this index.
    pub(super) fn enter(&mut self, trunk: usize, entering: Entering) {
        let Entering { number, enter } = entering;
        let Enter { columns, rows, window_bytes, join } = enter;
        let has_place = self.code.is_none() && self.seats().count() < VIEWERS_MAX;
        let size = Size::new(columns, rows).filter(|_| has_place);
        let seat = size.map(|size| {
            let window_bytes = usize::try_from(window_bytes).unwrap_or(usize::MAX);
            let patience = self.lines.get(trunk).map_or(Duration::ZERO, Line::patience);
            self.seat(Opening { size, window_bytes, join: Some(join), patience })
        });
        let Some(line) = self.lines.get_mut(trunk) else { return };
        match seat {
            Some(seat) => {
                line.put(number, seat);
                self.idle = None;
            }
            None => line.left(number),
        }
    }

    fn seat(&mut self, mut opening: Opening) -> Seat {
        let former = match &mut opening.join {
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
        let id = former.id.unwrap_or_else(|| self.free_id());
        Seat::take(id, &opening, former, self.terminal, &mut self.desk)
    }

    /// What is known of a viewer; its former connection is over from now on.
    fn former(&mut self, join: &Join) -> Former {
        let its = |seat: &Seat| seat.is_of(join.viewer);
        let former = match self.lines.iter_mut().find_map(|line| line.take(its)) {
            Some(seat) => seat.give_way(&mut self.desk),
            None => {
                Former { typed: self.memory.take(join.viewer, Instant::now()), ..Former::default() }
            }
        };
        // A viewer that was at another terminal meanwhile says nothing of this one. One that was at none is new, or comes late.
        let typed = former.typed.filter(|_| [0, self.terminal].contains(&join.terminal));
        Former { typed, ..former }
    }

    fn free_id(&mut self) -> ViewerId {
        loop {
            self.last_id = self.last_id.wrapping_add(1);
            let id = ViewerId(self.last_id);
            if self.seats().all(|seat| seat.id() != id) {
                return id;
            }
        }
    }
}
