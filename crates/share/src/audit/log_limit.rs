//! Log lines about strangers, bounded in number: a flood of visits must not become a flood of logs.

use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Lines a second in the long run, and at once after a pause.
const LINES_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const BURST: NonZeroU32 = NonZeroU32::new(100).unwrap();

#[derive(Debug)]
pub(super) struct LogLimit {
    lines: DefaultDirectRateLimiter,
    suppressed: AtomicU64,
}

impl Default for LogLimit {
    fn default() -> Self {
        let quota = Quota::per_second(LINES_PER_SECOND).allow_burst(BURST);
        Self { lines: RateLimiter::direct(quota), suppressed: AtomicU64::new(0) }
    }
}

impl LogLimit {
    /// Calls `write` with the number of lines that were left out before it, unless this one is left
    /// out too.
    pub(super) fn line(&self, write: impl FnOnce(u64)) {
        if self.lines.check().is_ok() {
            write(self.suppressed.swap(0, Relaxed));
        } else {
            self.suppressed.fetch_add(1, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_left_out_and_counted() {
        let limit = LogLimit::default();
        let (mut written, mut suppressed) = (0_u64, 0);
        for _ in 0..10_000 {
            limit.line(|before| {
                written += 1;
                suppressed += before;
            });
        }
        assert!(written >= u64::from(BURST.get()) && written < 1000, "{written}");
        assert_eq!(written + suppressed + limit.suppressed.load(Relaxed), 10_000);
    }
}
