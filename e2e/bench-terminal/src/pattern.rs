//! The bytes of bulk output, the same for who writes and who checks them; pure.

/// A prime, so that a buffer of any usual size that is lost, doubled or swapped shows.
pub const PERIOD_BYTES: usize = 65_521;

/// Printable ASCII without an order to the eye, repeated after [`PERIOD_BYTES`].
#[derive(Debug)]
pub struct Pattern {
    /// Two periods, so that a whole one can be had from any offset.
    twice: Vec<u8>,
}

impl Pattern {
    pub fn new() -> Self {
        let mut state = 1_u32;
        let once: Vec<u8> =
            std::iter::repeat_with(|| printable(&mut state)).take(PERIOD_BYTES).collect();
        Self { twice: once.repeat(2) }
    }

    /// One period of bytes, from `offset` bytes after the start.
    pub fn from(&self, offset: usize) -> &[u8] {
        &self.twice[offset % PERIOD_BYTES..][..PERIOD_BYTES]
    }
}

impl Default for Pattern {
    fn default() -> Self {
        Self::new()
    }
}

/// xorshift32 (Marsaglia, 2003), a generator that needs no library.
fn printable(state: &mut u32) -> u8 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    b'!' + state.to_le_bytes()[2] % 94
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_byte_of_it_means_anything_to_a_terminal() {
        assert!(Pattern::new().from(0).iter().all(u8::is_ascii_graphic));
    }

    proptest! {
        #[test]
        fn it_goes_on_from_any_offset(offset in 0_usize..1 << 40, on in 0_usize..PERIOD_BYTES) {
            let pattern = Pattern::new();
            let (here, there) = (pattern.from(offset), pattern.from(offset + on));
            prop_assert_eq!(&here[on..], &there[..PERIOD_BYTES - on]);
        }

        #[test]
        fn another_offset_has_other_bytes(offset in 0_usize..PERIOD_BYTES, on in 1_usize..PERIOD_BYTES) {
            let pattern = Pattern::new();
            prop_assert_ne!(&pattern.from(offset)[..64], &pattern.from(offset + on)[..64]);
        }
    }
}
