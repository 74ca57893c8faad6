//! Whether a screen still answers.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use screen_wire::PING_INTERVAL;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

/// When to ask the screen for a sign of life, and when none has come for too long. It counts ticks of its timer and
/// judges by no clock, so that a process that was stopped for a while takes no screen for dead.
pub(crate) struct LifeSigns {
    ticks: Interval,
    number: u32,
    quiet_ticks: u32,
    /// The last ping, unless it was answered.
    pinged_at: Option<Instant>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Nothing,
    Ping,
    /// The screen was silent for too long.
    Silence,
}

impl LifeSigns {
    /// Half of [`PING_INTERVAL`]: silence is noticed 25 to 30 s after the last frame.
    const TICKS_PER_PING: u32 = 2;
    /// [`screen_wire::SILENCE_MAX`] is over with the last of so many: five intervals lie between six.
    const QUIET_TICKS_MAX: u32 = 6;

    pub(crate) fn new() -> Self {
        let mut ticks = interval(PING_INTERVAL / Self::TICKS_PER_PING);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { ticks, number: 0, quiet_ticks: 0, pinged_at: None }
    }

    /// The screen said something; how long its answer to a ping took, if it is one.
    pub(crate) fn heard(&mut self, answer: bool) -> Option<Duration> {
        self.quiet_ticks = 0;
        let pinged_at = self.pinged_at.take_if(|_| answer)?;
        Some(pinged_at.elapsed())
    }

    /// Waits until something may be due. Cancel safe.
    pub(crate) async fn due(&mut self) -> Due {
        self.ticks.tick().await;
        self.tick()
    }

    pub(crate) fn poll_due(&mut self, context: &mut Context<'_>) -> Poll<Due> {
        self.ticks.poll_tick(context).map(|_| self.tick())
    }

    fn tick(&mut self) -> Due {
        self.quiet_ticks += 1;
        if self.quiet_ticks >= Self::QUIET_TICKS_MAX {
            return Due::Silence;
        }
        let number = self.number;
        self.number = number.wrapping_add(1);
        if !number.is_multiple_of(Self::TICKS_PER_PING) {
            return Due::Nothing;
        }
        self.pinged_at = Some(Instant::now());
        Due::Ping
    }
}
