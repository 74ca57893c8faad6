//! How a viewer's place at the terminal comes free: it leaves by itself, or is cut off.

use std::time::Duration;

use tokio::time::{Instant, interval_at, sleep};

use super::{Phase, Seat};
use crate::screen::desk::Desk;

/// How long the program may take to read what was typed before the viewer left.
const LAST_INPUT_WAIT: Duration = Duration::from_secs(1);
/// The kernel does not tell when a terminal's input has been read: it is asked this often.
const UNREAD_CHECK: Duration = Duration::from_millis(10);

impl Seat {
    /// It has left by itself.
    pub(in crate::screen::holder) fn leave(&mut self, desk: &mut Desk) {
        if !matches!(self.phase, Phase::Present) {
            if !matches!(self.phase, Phase::Leaving { .. }) {
                self.phase = Phase::Over;
            }
            return;
        }
        // An error is that of the terminal, and nobody's who leaves.
        let typed = self.answers.give_up();
        let _ = self.pass(typed, desk);
        let _ = desk.left(self.id);
        let check = interval_at(Instant::now() + UNREAD_CHECK, UNREAD_CHECK);
        self.phase = Phase::Leaving { until: Box::pin(sleep(LAST_INPUT_WAIT)), check };
    }

    /// By somebody else, or it died: what it typed counts no more.
    pub(in crate::screen::holder) fn cut(&mut self, desk: &mut Desk) {
        if !self.is_over() {
            desk.drop_unread(self.id, &self.typist);
            self.phase = Phase::Over;
            self.resume = None;
        }
    }
}
