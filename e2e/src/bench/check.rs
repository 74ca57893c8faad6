//! Whether the bytes of a bulk order came, all of them and in order; pure.

use anyhow::{Result, ensure};
use bench_terminal::{orders::MARKER, pattern::Pattern};

/// Follows one bulk order byte by byte.
pub(super) struct Check<'a> {
    pattern: &'a Pattern,
    /// Bytes of the pattern that are to come, without the marker.
    bytes: usize,
    seen: usize,
}

impl<'a> Check<'a> {
    pub(super) fn new(pattern: &'a Pattern, bytes: usize) -> Self {
        Self { pattern, bytes, seen: 0 }
    }

    /// Bytes that came so far.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// Whether all of it has come, marker included.
    pub(super) fn is_done(&self) -> bool {
        self.seen == self.bytes + MARKER.len()
    }

    /// Takes what came next; fails at the first byte that is not what was written there.
    pub(super) fn take(&mut self, mut received: &[u8]) -> Result<()> {
        while !received.is_empty() {
            let expected = self.expected();
            let count = expected.len().min(received.len());
            ensure!(count > 0, "{} bytes after the end", received.len());
            if received[..count] != expected[..count] {
                let same = expected.iter().zip(received).take_while(|(a, b)| a == b).count();
                anyhow::bail!("byte {} of {} is another one", self.seen + same, self.bytes);
            }
            self.seen += count;
            received = &received[count..];
        }
        Ok(())
    }

    fn expected(&self) -> &'a [u8] {
        if let Some(of_marker) = self.seen.checked_sub(self.bytes) {
            return &MARKER[of_marker..];
        }
        let part = self.pattern.from(self.seen);
        &part[..part.len().min(self.bytes - self.seen)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two periods, and some.
    const BYTES: usize = 140_000;

    fn written(pattern: &Pattern) -> Vec<u8> {
        let all = pattern.from(0).iter().copied().cycle().take(BYTES);
        all.chain(MARKER.iter().copied()).collect()
    }

    fn check(change: impl FnOnce(&mut Vec<u8>)) -> Result<bool> {
        let pattern = Pattern::noise();
        let mut bytes = written(&pattern);
        change(&mut bytes);
        let mut check = Check::new(&pattern, BYTES);
        for piece in bytes.chunks(4093) {
            check.take(piece)?;
        }
        Ok(check.is_done())
    }

    #[test]
    fn what_was_written_passes_however_it_is_cut() {
        assert!(check(|_| {}).unwrap());
    }

    #[test]
    fn what_is_missing_is_waited_for() {
        assert!(!check(|bytes| bytes.truncate(BYTES + MARKER.len() - 1)).unwrap());
    }

    #[test]
    fn what_is_lost_swapped_or_too_much_is_found() {
        let error = |change: fn(&mut Vec<u8>)| check(change).unwrap_err().to_string();
        assert!(error(|bytes| drop(bytes.drain(70_000..74_096))).starts_with("byte 70000 of "));
        assert!(error(|bytes| bytes.swap(5, 90_000)).starts_with("byte 5 of "));
        assert_eq!(error(|bytes| bytes.extend(b"more")), "4 bytes after the end");
    }
}
