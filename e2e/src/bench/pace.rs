//! Keys at a rate, on a thread of its own: tokio's timers have the grain of a millisecond.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;

/// `count` ticks, `per_second` of them in a second, the first at once. None waits for the one before to be used.
pub(super) fn ticks(per_second: u16, count: u16) -> mpsc::UnboundedReceiver<()> {
    // As many as `count` may wait.
    let (sender, ticks) = mpsc::unbounded_channel();
    thread::spawn(move || {
        let (started, step) = (Instant::now(), Duration::from_secs(1) / u32::from(per_second));
        for number in 0..u32::from(count) {
            thread::sleep((started + step * number).saturating_duration_since(Instant::now()));
            if sender.send(()).is_err() {
                return;
            }
        }
    });
    ticks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn ticks_come_at_their_rate_and_then_end() {
        let started = Instant::now();
        let mut ticks = ticks(1000, 21);
        let mut seen = 0;
        while ticks.recv().await.is_some() {
            seen += 1;
        }
        assert_eq!(seen, 21);
        assert!(started.elapsed() >= Duration::from_millis(20));
    }
}
