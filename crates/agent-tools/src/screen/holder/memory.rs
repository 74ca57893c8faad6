//! How far those are with their input who have left and may come again. Pure: the time is an argument.

use std::{collections::VecDeque, time::Duration};

use screen_wire::Viewer;
use tokio::time::Instant;

/// How long one is remembered, beyond an outage of the cluster. What one typed that is away for longer, and that was not
/// taken, is typed no more: it would come as a surprise.
const REMEMBERED: Duration = Duration::from_mins(10);
/// Each viewer may come as somebody else each time. The oldest is forgotten first.
const REMEMBERED_MAX: usize = 256;

/// How far a viewer is with its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Typed {
    /// In bytes since its beginning.
    pub(super) position: u64,
    pub(super) interrupts: u32,
}

#[derive(Debug, Default)]
pub(super) struct Memory(VecDeque<(Viewer, Typed, Instant)>);

impl Memory {
    pub(super) fn remember(&mut self, viewer: Viewer, typed: Typed, now: Instant) {
        self.forget(now);
        self.0.retain(|(known, ..)| *known != viewer);
        if self.0.len() >= REMEMBERED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((viewer, typed, now));
    }

    /// What was remembered, which is not any more: the viewer is here.
    pub(super) fn take(&mut self, viewer: Viewer, now: Instant) -> Option<Typed> {
        self.forget(now);
        let index = self.0.iter().position(|(known, ..)| *known == viewer)?;
        self.0.remove(index).map(|(_, typed, _)| typed)
    }

    fn forget(&mut self, now: Instant) {
        while self.0.front().is_some_and(|(.., left)| now.duration_since(*left) > REMEMBERED) {
            self.0.pop_front();
        }
        if self.0.is_empty() {
            self.0.shrink_to(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(number: u8) -> Viewer {
        Viewer::from_bytes([number; 16])
    }

    fn typed(position: u64) -> Typed {
        Typed { position, interrupts: 0 }
    }

    #[test]
    fn one_that_left_is_remembered_for_a_while_and_known_once() {
        let (mut memory, start) = (Memory::default(), Instant::now());
        memory.remember(viewer(1), typed(5), start);
        memory.remember(viewer(1), typed(6), start);
        assert_eq!(memory.take(viewer(2), start), None);
        assert_eq!(memory.take(viewer(1), start + REMEMBERED), Some(typed(6)));
        assert_eq!(memory.take(viewer(1), start), None);
        memory.remember(viewer(1), typed(7), start);
        let late = start + REMEMBERED + Duration::from_nanos(1);
        assert_eq!(memory.take(viewer(1), late), None);
    }

    #[test]
    fn a_crowd_takes_no_more_than_its_room() {
        let (mut memory, now) = (Memory::default(), Instant::now());
        for number in 0..u128::from(u16::MAX) {
            memory.remember(Viewer::from_bytes(number.to_be_bytes()), typed(1), now);
        }
        assert_eq!(memory.0.len(), REMEMBERED_MAX);
        assert_eq!(memory.take(Viewer::from_bytes([0; 16]), now), None);
    }
}
