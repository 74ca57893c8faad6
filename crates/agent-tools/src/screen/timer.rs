//! What the screen does after a time: it says that it is alive, it credits the last keystrokes, it
//! gives up a silent viewer. One timer for all, since most of them are only ever put off. Must not
//! do any of it.

use std::{pin::Pin, time::Duration};

use tokio::time::{Instant, Sleep, sleep_until};

/// How long a small credit waits for more to be credited with it: each is a message on every hop, and
/// somebody who types needs none for long.
const CREDIT_DELAY: Duration = Duration::from_millis(100);

/// How often the screen and its viewer hear from each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Between two signs of life that the screen gives unasked.
    pub(crate) alive: Duration,
    /// Without a sign of the viewer.
    pub(crate) silence_max: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    /// The viewer has not been heard for too long.
    Silence,
    Alive,
    Credit,
}

pub(crate) struct Timer {
    pace: Pace,
    sleep: Pin<Box<Sleep>>,
    heard_at: Instant,
    alive_at: Instant,
    credit_at: Option<Instant>,
}

impl Timer {
    pub(crate) fn start(pace: Pace) -> Self {
        let now = Instant::now();
        let alive_at = now + pace.alive;
        let sleep = Box::pin(sleep_until(alive_at.min(now + pace.silence_max)));
        Self { pace, sleep, heard_at: now, alive_at, credit_at: None }
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// The viewer has given a sign of life.
    pub(crate) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// There is a small credit to be granted, if it does not grow into a large one before.
    pub(crate) fn owe_credit(&mut self) {
        if self.credit_at.is_none() {
            let credit_at = Instant::now() + CREDIT_DELAY;
            self.credit_at = Some(credit_at);
            // One that is armed for an earlier time arms itself again.
            if credit_at < self.sleep.deadline() {
                self.sleep.as_mut().reset(credit_at);
            }
        }
    }

    /// All credit has been granted.
    pub(crate) fn credited(&mut self) {
        self.credit_at = None;
    }

    /// Waits for what is due next. Nothing is lost when the wait is given up.
    pub(crate) async fn due(&mut self) -> Due {
        loop {
            self.sleep.as_mut().await;
            let due = self.due_at(Instant::now());
            let next = self.next();
            self.sleep.as_mut().reset(next);
            if let Some(due) = due {
                return due;
            }
        }
    }

    fn due_at(&mut self, now: Instant) -> Option<Due> {
        if self.heard_at + self.pace.silence_max <= now {
            return Some(Due::Silence);
        }
        if self.alive_at <= now {
            self.alive_at = now + self.pace.alive;
            return Some(Due::Alive);
        }
        self.credit_at.take_if(|credit_at| *credit_at <= now).map(|_| Due::Credit)
    }

    fn next(&self) -> Instant {
        let next = self.alive_at.min(self.heard_at + self.pace.silence_max);
        self.credit_at.map_or(next, |credit_at| next.min(credit_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { alive: Duration::from_secs(10), silence_max: Duration::from_secs(25) };

    /// What is due next, and how many milliseconds after `start`.
    async fn next(timer: &mut Timer, start: Instant) -> (Due, u128) {
        let due = timer.due().await;
        (due, start.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_viewer_is_given_up_after_two_signs_of_life() {
        let (mut timer, start) = (Timer::start(PACE), Instant::now());
        assert_eq!(next(&mut timer, start).await, (Due::Alive, 10_000));
        assert_eq!(next(&mut timer, start).await, (Due::Alive, 20_000));
        assert_eq!(next(&mut timer, start).await, (Due::Silence, 25_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_is_heard_is_not_silent() {
        let (mut timer, start) = (Timer::start(PACE), Instant::now());
        for seconds in [10, 20, 30, 40] {
            assert_eq!(next(&mut timer, start).await, (Due::Alive, seconds * 1000));
            timer.heard();
        }
        assert_eq!(next(&mut timer, start).await, (Due::Alive, 50_000));
        assert_eq!(next(&mut timer, start).await, (Due::Alive, 60_000));
        assert_eq!(next(&mut timer, start).await, (Due::Silence, 65_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_small_credit_waits_for_more_but_not_for_long() {
        let (mut timer, start) = (Timer::start(PACE), Instant::now());
        timer.owe_credit();
        assert_eq!(next(&mut timer, start).await, (Due::Credit, 100));
        timer.owe_credit();
        timer.credited();
        assert_eq!(next(&mut timer, start).await, (Due::Alive, 10_000));
    }
}
