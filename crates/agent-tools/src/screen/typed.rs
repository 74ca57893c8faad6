//! What waits to be typed into the program, in the order in which it came, and whose it is. Pure. It must not know what
//! it says.

use std::collections::VecDeque;

use bytes::{Buf, BytesMut};

/// A viewer, as long as it is there; another one may get its number later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ViewerId(pub(crate) u16);

/// Whose a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The terminal's own: an answer, or the key that interrupts.
    Terminal,
    Viewer(ViewerId),
}

/// Some bytes of one. Small, since each byte may be another's.
#[derive(Clone, Copy, Debug)]
struct Run {
    by: By,
    bytes: u16,
}

#[derive(Debug, Default)]
pub(crate) struct Typed {
    bytes: BytesMut,
    runs: VecDeque<Run>,
}

impl Typed {
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn push(&mut self, by: By, mut typed: &[u8]) {
        self.bytes.extend_from_slice(typed);
        while !typed.is_empty() {
            let room = match self.runs.back() {
                Some(last) if last.by == by && last.bytes < u16::MAX => u16::MAX - last.bytes,
                _ => {
                    self.runs.push_back(Run { by, bytes: 0 });
                    u16::MAX
                }
            };
            let count = u16::try_from(typed.len()).unwrap_or(u16::MAX).min(room);
            if let Some(last) = self.runs.back_mut() {
                last.bytes += count;
            }
            typed = &typed[count.into()..];
        }
    }

    /// One key of the terminal's own, before all that waits.
    pub(crate) fn push_front(&mut self, key: u8) {
        let rest = std::mem::take(&mut self.bytes);
        self.bytes.extend_from_slice(&[key]);
        self.bytes.extend_from_slice(&rest);
        self.runs.push_front(Run { by: By::Terminal, bytes: 1 });
    }

    /// The first `count` bytes have been written: `of` is told how many of them were whose.
    pub(crate) fn advance(&mut self, count: usize, mut of: impl FnMut(By, usize)) {
        let mut left = count.min(self.bytes.len());
        self.bytes.advance(left);
        while let Some(run) = self.runs.front_mut() {
            let bytes = usize::from(run.bytes).min(left);
            run.bytes -= u16::try_from(bytes).unwrap_or(run.bytes);
            left -= bytes;
            if bytes > 0 {
                of(run.by, bytes);
            }
            if run.bytes > 0 {
                break;
            }
            self.runs.pop_front();
        }
        if self.bytes.is_empty() {
            // What once was much is not held for ever.
            self.bytes = BytesMut::new();
            self.runs.shrink_to(0);
        }
    }

    /// How much of it is whose.
    pub(crate) fn waiting(&self, by: By) -> usize {
        let its = self.runs.iter().filter(|run| run.by == by);
        its.map(|run| usize::from(run.bytes)).sum()
    }

    /// Drops what is `by` one, and says how much that was.
    pub(crate) fn remove(&mut self, by: By) -> usize {
        let (mut kept, mut start, mut removed) = (BytesMut::new(), 0, 0);
        self.runs.retain(|run| {
            let end = start + usize::from(run.bytes);
            if run.by == by {
                removed += end - start;
            } else {
                kept.extend_from_slice(&self.bytes[start..end]);
            }
            start = end;
            run.by != by
        });
        self.bytes = kept;
        removed
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    const A: By = By::Viewer(ViewerId(1));
    const B: By = By::Viewer(ViewerId(2));

    fn written(typed: &mut Typed, count: usize) -> Vec<(By, usize)> {
        let mut of = vec![];
        typed.advance(count, |by, bytes| of.push((by, bytes)));
        of
    }

    #[test]
    fn it_is_written_in_the_order_in_which_it_came_and_credited_to_who_typed_it() {
        let mut typed = Typed::default();
        for (by, text) in [(A, &b"one"[..]), (A, b"two"), (B, b"three"), (By::Terminal, b"4")] {
            typed.push(by, text);
        }
        assert_eq!(typed.bytes(), b"onetwothree4");
        assert_eq!(written(&mut typed, 8), [(A, 6), (B, 2)]);
        assert_eq!((typed.waiting(A), typed.waiting(B)), (0, 3));
        assert_eq!(written(&mut typed, 100), [(B, 3), (By::Terminal, 1)]);
        assert!(typed.is_empty());
    }

    #[test]
    fn what_one_typed_can_be_dropped_and_a_key_put_before_all() {
        let mut typed = Typed::default();
        for (by, text) in [(A, &b"aa"[..]), (B, b"b"), (A, b"a")] {
            typed.push(by, text);
        }
        assert_eq!(typed.remove(A), 3);
        typed.push_front(3);
        assert_eq!(typed.bytes(), b"\x03b");
        assert_eq!(written(&mut typed, 2), [(By::Terminal, 1), (B, 1)]);
    }

    #[test]
    fn a_run_may_be_longer_than_its_number() {
        let mut typed = Typed::default();
        typed.push(A, &vec![0; 200_000]);
        assert_eq!(typed.waiting(A), 200_000);
        assert_eq!(
            written(&mut typed, 200_000).iter().map(|(_, bytes)| bytes).sum::<usize>(),
            200_000
        );
    }

    #[test]
    fn many_who_type_in_turn_cost_a_few_bytes_for_each() {
        assert!(size_of::<Run>() <= 6);
    }

    proptest! {
        #[test]
        fn every_byte_is_somebodys(
            steps in vec((0_u16..3, vec(any::<u8>(), 0..9), 0_usize..12, any::<bool>()), 0..40),
        ) {
            let mut typed = Typed::default();
            for (by, bytes, count, remove) in steps {
                typed.push(By::Viewer(ViewerId(by)), &bytes);
                if remove {
                    let waiting = typed.waiting(A);
                    prop_assert_eq!(typed.remove(A), waiting);
                } else {
                    let count = count.min(typed.bytes().len());
                    let of = written(&mut typed, count);
                    prop_assert_eq!(of.iter().map(|(_, bytes)| bytes).sum::<usize>(), count);
                }
                let sum: usize = (0..3).map(|by| typed.waiting(By::Viewer(ViewerId(by)))).sum();
                prop_assert_eq!(sum, typed.bytes().len());
            }
        }
    }
}
