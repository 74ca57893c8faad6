//! The last of a stream of output, by position. Pure. It holds bytes, and never looks at them.

/// So much of it is kept.
pub(crate) const RING_BYTES: usize = 2 * 1024 * 1024;

pub(crate) struct Ring {
    bytes: Box<[u8]>,
    /// Bytes since the stream's start.
    head: u64,
}

impl Ring {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { bytes: vec![0; bytes].into_boxed_slice(), head: 0 }
    }

    /// The position of the next byte.
    pub(crate) fn head(&self) -> u64 {
        self.head
    }

    /// The position of the first byte that is still there.
    pub(crate) fn tail(&self) -> u64 {
        self.head.saturating_sub(self.bytes.len() as u64)
    }

    /// Where more can be read into, at most `limit` bytes in one piece; the oldest are written over.
    pub(crate) fn spare(&mut self, limit: usize) -> &mut [u8] {
        let start = self.place(self.head);
        let end = self.bytes.len().min(start + limit);
        &mut self.bytes[start..end]
    }

    /// The first `count` bytes of what was spare have been read.
    pub(crate) fn grow(&mut self, count: usize) {
        self.head += count as u64;
    }

    /// What is there from `position` on, in one piece, at most `limit` bytes; nothing where it is there no more.
    pub(crate) fn from(&self, position: u64, limit: usize) -> &[u8] {
        if position < self.tail() || position >= self.head {
            return &[];
        }
        let start = self.place(position);
        let count = usize::try_from(self.head - position).unwrap_or(usize::MAX).min(limit);
        &self.bytes[start..self.bytes.len().min(start + count)]
    }

    fn place(&self, position: u64) -> usize {
        // Less than the length of a slice.
        usize::try_from(position % self.bytes.len() as u64).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn write(ring: &mut Ring, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let spare = ring.spare(bytes.len());
            let count = spare.len();
            spare.copy_from_slice(&bytes[..count]);
            ring.grow(count);
            bytes = &bytes[count..];
        }
    }

    fn read(ring: &Ring, mut position: u64) -> Vec<u8> {
        let mut all = Vec::new();
        while position < ring.head() {
            let part = ring.from(position, 7);
            assert!(!part.is_empty(), "{position} of {}", ring.head());
            all.extend_from_slice(part);
            position += part.len() as u64;
        }
        all
    }

    #[test]
    fn what_was_written_over_is_not_given_for_something_else() {
        let mut ring = Ring::new(10);
        write(&mut ring, b"0123456789abc");
        assert_eq!((ring.tail(), ring.head()), (3, 13));
        assert_eq!(ring.from(2, 100), b"");
        assert_eq!(read(&ring, 3), b"3456789abc");
        assert_eq!(ring.from(13, 100), b"");
    }

    proptest! {
        #[test]
        fn the_last_bytes_are_there_by_their_positions(
            pieces in vec(vec(any::<u8>(), 0..40), 0..20),
            from in 0_u64..800,
        ) {
            let mut ring = Ring::new(64);
            let all = pieces.concat();
            for piece in &pieces {
                write(&mut ring, piece);
            }
            prop_assert_eq!(ring.head(), all.len() as u64);
            let from = from.clamp(ring.tail(), ring.head());
            prop_assert_eq!(&read(&ring, from), &all[usize::try_from(from).unwrap()..]);
        }
    }
}
