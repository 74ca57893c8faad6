//! Terminal bytes that wait. Pure. It bounds nothing: windows do; it only sees to it that small
//! pieces cost hardly more than their bytes.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

mod marked;

pub(crate) use marked::{Marked, Next};

/// Pieces below this are joined while they wait; larger ones are never copied. In bytes.
pub(crate) const JOINED_BYTES: usize = 16 * 1024;

/// Bytes in their order, taken off in pieces. What does not wait is not copied.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    whole: VecDeque<Bytes>,
    /// Comes after all of `whole`.
    joined: BytesMut,
    bytes: usize,
}

impl Pieces {
    pub(crate) fn push(&mut self, piece: Bytes) {
        let alone = self.is_empty();
        self.bytes += piece.len();
        if alone || piece.len() >= JOINED_BYTES {
            self.seal();
            self.whole.push_back(piece);
            return;
        }
        if self.joined.len() + piece.len() > JOINED_BYTES {
            self.seal();
        }
        self.joined.extend_from_slice(&piece);
    }

    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        if self.whole.is_empty() {
            self.seal();
        }
        let piece = self.whole.pop_front()?;
        self.bytes -= piece.len();
        Some(piece)
    }

    /// Drops everything, and tells how many bytes that were.
    pub(crate) fn clear(&mut self) -> usize {
        std::mem::take(self).bytes
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    fn seal(&mut self) {
        if !self.joined.is_empty() {
            self.whole.push_back(self.joined.split().freeze());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_piece_that_is_alone_or_large_is_never_copied() {
        let (alone, large) = (Bytes::from(vec![1; 100]), Bytes::from(vec![2; JOINED_BYTES]));
        let mut pieces = Pieces::default();
        pieces.push(alone.clone());
        pieces.push(large.clone());
        assert_eq!(pieces.pop().unwrap().as_ptr(), alone.as_ptr());
        assert_eq!(pieces.pop().unwrap().as_ptr(), large.as_ptr());
        assert!(pieces.is_empty() && pieces.pop().is_none());
    }

    #[test]
    fn small_pieces_that_wait_become_few() {
        let mut pieces = Pieces::default();
        for _ in 0..2 * JOINED_BYTES {
            pieces.push(Bytes::from_static(b"x"));
        }
        let lengths: Vec<usize> = std::iter::from_fn(|| pieces.pop()).map(|p| p.len()).collect();
        assert_eq!(lengths, [1, JOINED_BYTES, JOINED_BYTES - 1]);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_reordered(lengths in prop::collection::vec(1..40_000_usize, 0..30)) {
            let mut pieces = Pieces::default();
            let (mut pushed, mut popped) = (Vec::new(), Vec::new());
            for (index, length) in lengths.into_iter().enumerate() {
                let piece = vec![u8::try_from(index).unwrap(); length];
                pushed.extend_from_slice(&piece);
                pieces.push(piece.into());
                if index % 3 == 2 {
                    popped.extend_from_slice(&pieces.pop().unwrap());
                }
            }
            while let Some(piece) = pieces.pop() {
                popped.extend_from_slice(&piece);
            }
            prop_assert!(popped == pushed);
            prop_assert!(pieces.is_empty());
        }
    }
}
