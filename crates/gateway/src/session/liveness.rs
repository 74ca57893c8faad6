//! When a viewer is to be pinged, and when it is gone: one timer for both, whatever the viewer
//! sends. It neither reads nor writes.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

pub(super) const PING_INTERVAL: Duration = Duration::from_secs(15);
/// A viewer that sends nothing for this long, not even answers to pings, is gone; so is a gateway.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(25);

/// Whether the viewer is read at present: one that is not cannot be heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadInterest {
    Reading,
    Paused,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Ping,
    Silent,
}

#[derive(Debug)]
pub(super) struct Liveness {
    timer: Pin<Box<Sleep>>,
    ping_at: Instant,
    heard_at: Instant,
    /// The last ping, unless it was answered.
    pinged_at: Option<Instant>,
}

impl Liveness {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        let ping_at = now + PING_INTERVAL;
        Self { timer: Box::pin(sleep_until(ping_at)), ping_at, heard_at: now, pinged_at: None }
    }

    /// The viewer sent something. Sets no timer.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// What was heard last answers a ping: how long that took. Nothing for an answer to no ping.
    pub(super) fn answered(&mut self) -> Option<Duration> {
        self.pinged_at.take().map(|pinged_at| self.heard_at.duration_since(pinged_at))
    }

    pub(super) fn poll(&mut self, context: &mut Context<'_>, interest: ReadInterest) -> Poll<Due> {
        loop {
            ready!(self.timer.as_mut().poll(context));
            let now = Instant::now();
            if interest == ReadInterest::Paused {
                self.heard_at = now;
            }
            let silent_at = self.heard_at + SILENCE_MAX;
            if silent_at <= now {
                return Poll::Ready(Due::Silent);
            }
            let ping = self.ping_at <= now;
            if ping {
                self.ping_at = now + PING_INTERVAL;
                self.pinged_at = Some(now);
            }
            self.timer.as_mut().reset(self.ping_at.min(silent_at));
            if ping {
                return Poll::Ready(Due::Ping);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::{ReadInterest::*, *};

    async fn next(liveness: &mut Liveness, interest: ReadInterest) -> Due {
        poll_fn(|context| liveness.poll(context, interest)).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_fell_silent_is_given_up_within_25_seconds() {
        let start = Instant::now();
        let mut liveness = Liveness::new();
        assert_eq!(next(&mut liveness, Reading).await, Due::Ping);
        assert_eq!(start.elapsed(), PING_INTERVAL);
        assert_eq!(next(&mut liveness, Reading).await, Due::Silent);
        assert_eq!(start.elapsed(), SILENCE_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_answers_each_ping_is_pinged_for_ever() {
        let start = Instant::now();
        let mut liveness = Liveness::new();
        for pings in 1..20 {
            assert_eq!(next(&mut liveness, Reading).await, Due::Ping);
            assert_eq!(start.elapsed(), PING_INTERVAL * pings);
            liveness.heard();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_tells_the_round_trip_of_its_ping_once() {
        let mut liveness = Liveness::new();
        liveness.heard();
        assert_eq!(liveness.answered(), None, "nothing was asked");
        assert_eq!(next(&mut liveness, Reading).await, Due::Ping);
        tokio::time::advance(Duration::from_millis(40)).await;
        liveness.heard();
        assert_eq!(liveness.answered(), Some(Duration::from_millis(40)));
        assert_eq!(liveness.answered(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_is_not_read_is_not_called_silent() {
        let mut liveness = Liveness::new();
        for _ in 1..20 {
            assert_eq!(next(&mut liveness, Paused).await, Due::Ping);
        }
        assert_eq!(next(&mut liveness, Reading).await, Due::Ping);
    }
}
