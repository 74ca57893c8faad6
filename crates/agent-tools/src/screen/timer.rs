//! What the screen does after a time: it says that it is alive, it gives up a silent viewer. One
//! timer for both, since the second is only ever put off. Must not do any of it.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

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
}

pub(crate) struct Timer {
    pace: Pace,
    sleep: Pin<Box<Sleep>>,
    heard_at: Instant,
    alive_at: Instant,
}

impl Timer {
    pub(crate) fn start(pace: Pace) -> Self {
        let now = Instant::now();
        let alive_at = now + pace.alive;
        let sleep = Box::pin(sleep_until(alive_at.min(now + pace.silence_max)));
        Self { pace, sleep, heard_at: now, alive_at }
    }

    pub(crate) fn pace(&self) -> Pace {
        self.pace
    }

    /// The viewer has given a sign of life.
    pub(crate) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// Waits for what is due next.
    pub(crate) fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Due> {
        loop {
            ready!(self.sleep.as_mut().poll(cx));
            let due = self.due_at(Instant::now());
            let next = self.next();
            self.sleep.as_mut().reset(next);
            if let Some(due) = due {
                return Poll::Ready(due);
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
        None
    }

    fn next(&self) -> Instant {
        self.alive_at.min(self.heard_at + self.pace.silence_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace =
        Pace { alive: Duration::from_secs(10), silence_max: Duration::from_secs(25) };

    /// What is due next, and how many milliseconds after `start`.
    async fn next(timer: &mut Timer, start: Instant) -> (Due, u128) {
        let due = std::future::poll_fn(|cx| timer.poll_due(cx)).await;
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
}
