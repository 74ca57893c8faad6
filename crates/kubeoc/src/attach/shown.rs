//! What the terminal shows: where one is in its output, what of that waits to be written to the user's own terminal, and
//! what was. Pure.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use screen_wire::{Join, OUTPUT_WINDOW_BYTES};

/// So much is credited at once; less of it waits for more, or for the next sign of life.
const PORTION_BYTES: usize = OUTPUT_WINDOW_BYTES / 4;

#[derive(Debug, Default)]
pub(super) struct Shown {
    /// Which one it is; another one begins its positions anew.
    terminal: u64,
    /// In the program's output, before what comes next, or before what follows the drawn screen that comes.
    position: Option<u64>,
    /// Still to come of a drawn screen, in bytes; it is no output of the program's.
    screen_bytes: u64,
    waiting: VecDeque<Bytes>,
    /// In all of `waiting`.
    waiting_bytes: usize,
    /// What waits first came on a connection before, whose window is of no interest any more.
    of_before: usize,
    /// Written, and not credited.
    taken: usize,
}

/// Whether a credit is to wait for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Credit {
    Worthwhile,
    Any,
}

impl Shown {
    /// Adds to what a screen is told when one comes, perhaps again.
    pub(super) fn join(&self, join: Join) -> Join {
        // Half a screen is none: it is drawn anew.
        let drawn = self.position.filter(|_| self.screen_bytes == 0);
        Join { terminal: self.terminal, drawn, ..join }
    }

    /// A screen of this terminal is there.
    pub(super) fn open(&mut self, terminal: u64) {
        if self.terminal != terminal {
            (self.terminal, self.position, self.screen_bytes) = (terminal, None, 0);
        }
        (self.of_before, self.taken) = (self.waiting_bytes, 0);
    }

    /// The screen says where its output is after the next `screen_bytes`.
    pub(super) fn at(&mut self, position: u64, screen_bytes: u32) {
        (self.position, self.screen_bytes) = (Some(position), screen_bytes.into());
    }

    pub(super) fn push(&mut self, output: Bytes) {
        let bytes = output.len() as u64;
        let of_screen = bytes.min(self.screen_bytes);
        self.screen_bytes -= of_screen;
        self.position = self.position.map(|position| position + (bytes - of_screen));
        self.waiting_bytes += output.len();
        if !output.is_empty() {
            self.waiting.push_back(output);
        }
    }

    /// Whether more may come: a screen that keeps to its window never sends too much.
    pub(super) fn has_room(&self) -> bool {
        self.waiting_bytes - self.of_before <= OUTPUT_WINDOW_BYTES
    }

    /// What to write next.
    pub(super) fn next(&self) -> &[u8] {
        self.waiting.front().map(AsRef::as_ref).unwrap_or_default()
    }

    /// The first `bytes` of what is next were written.
    pub(super) fn written(&mut self, bytes: usize) {
        if let Some(first) = self.waiting.front_mut() {
            first.advance(bytes);
            if first.is_empty() {
                self.waiting.pop_front();
            }
        }
        self.waiting_bytes -= bytes;
        let of_before = bytes.min(self.of_before);
        self.of_before -= of_before;
        self.taken += bytes - of_before;
    }

    /// What to credit now: all there is, or nothing.
    pub(super) fn take_credit(&mut self, credit: Credit) -> Option<u32> {
        let due = match credit {
            Credit::Worthwhile => self.taken >= PORTION_BYTES,
            Credit::Any => self.taken > 0,
        };
        if !due {
            return None;
        }
        u32::try_from(std::mem::take(&mut self.taken)).ok()
    }
}

#[cfg(test)]
mod tests {
    use screen_wire::Viewer;

    use super::*;

    fn join(shown: &Shown) -> (u64, Option<u64>) {
        let join = shown.join(Join::new(Viewer::from_bytes([1; 16])));
        (join.terminal, join.drawn)
    }

    fn output(bytes: usize) -> Bytes {
        Bytes::from(vec![b'x'; bytes])
    }

    #[test]
    fn a_drawn_screen_is_no_part_of_the_output() {
        let mut shown = Shown::default();
        assert_eq!(join(&shown), (0, None));
        shown.open(7);
        shown.at(100, 10);
        shown.push(output(4));
        assert_eq!(join(&shown), (7, None), "half a screen");
        shown.push(output(8));
        assert_eq!(join(&shown), (7, Some(102)));
    }

    #[test]
    fn another_terminal_begins_anew_and_the_same_goes_on() {
        let mut shown = Shown::default();
        shown.open(7);
        shown.at(0, 0);
        shown.push(output(5));
        shown.open(7);
        assert_eq!(join(&shown), (7, Some(5)));
        shown.open(8);
        assert_eq!(join(&shown), (8, None));
    }

    #[test]
    fn what_was_written_is_credited_to_the_connection_that_it_came_on() {
        let mut shown = Shown::default();
        shown.open(7);
        shown.at(0, 0);
        shown.push(output(10));
        shown.written(4);
        assert_eq!(shown.take_credit(Credit::Worthwhile), None);
        assert_eq!(shown.take_credit(Credit::Any), Some(4));
        shown.open(7);
        shown.push(output(PORTION_BYTES));
        assert_eq!(shown.next().len(), 6);
        shown.written(6);
        assert_eq!(shown.take_credit(Credit::Any), None);
        shown.written(PORTION_BYTES);
        assert_eq!(shown.take_credit(Credit::Worthwhile), u32::try_from(PORTION_BYTES).ok());
        assert!(shown.next().is_empty());
    }

    #[test]
    fn a_screen_that_keeps_to_no_window_has_to_wait() {
        let mut shown = Shown::default();
        shown.open(7);
        shown.push(output(OUTPUT_WINDOW_BYTES));
        assert!(shown.has_room());
        shown.push(output(1));
        assert!(!shown.has_room());
    }
}
