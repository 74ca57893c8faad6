//! The bytes of bulk output, the same for who writes and who checks them; pure.

use crate::orders::Bulk;

/// A prime, so that a buffer of any usual size that is lost, doubled or swapped shows.
const NOISE_BYTES: usize = 65_521;

/// What people wrote, as an agent shows it when it reads files: more than any frame holds, so that none has a line
/// twice that the files do not.
const TEXT: [&str; 14] = [
    include_str!("../../../README.md"),
    include_str!("../../../ARCHITECTURE.md"),
    include_str!("../../../SECURITY.md"),
    include_str!("../../../docs/performance.md"),
    include_str!("../../src/bench.rs"),
    include_str!("../../src/bench/exec.rs"),
    include_str!("../../src/bench/figures.rs"),
    include_str!("../../src/bench/hosts.rs"),
    include_str!("../../src/bench/measure.rs"),
    include_str!("../../src/bench/openings.rs"),
    include_str!("../../src/bench/programs.rs"),
    include_str!("../../src/bench/relays.rs"),
    include_str!("../../src/bench/sessions.rs"),
    include_str!("../../src/bench/ways.rs"),
];

/// Some 100 KiB.
const LISTING_LINES: u32 = 1200;

/// Sequences of a listing's colours (ECMA-48, SGR).
const RED: &str = "\x1b[0;31m";
const BLUE: &str = "\x1b[01;34m";
const PLAIN: &str = "\x1b[0m";

/// Each kind of bulk output.
#[derive(Debug)]
pub struct Patterns {
    noise: Pattern,
    text: Pattern,
    listing: Pattern,
}

impl Default for Patterns {
    fn default() -> Self {
        Self { noise: Pattern::noise(), text: Pattern::text(), listing: Pattern::listing() }
    }
}

impl Patterns {
    pub fn of(&self, kind: Bulk) -> &Pattern {
        match kind {
            Bulk::Noise => &self.noise,
            Bulk::Text => &self.text,
            Bulk::Listing => &self.listing,
        }
    }
}

/// Bytes that no terminal answers, over and over.
#[derive(Debug)]
pub struct Pattern {
    /// Two periods, so that a whole one can be had from any offset.
    twice: Vec<u8>,
}

impl Pattern {
    /// Printable ASCII without an order to the eye, which no compression makes worth its while.
    pub fn noise() -> Self {
        let mut state = 1_u32;
        let noise = std::iter::repeat_with(|| printable(&mut state)).take(NOISE_BYTES);
        Self::of(&noise.collect::<Vec<_>>())
    }

    /// Documents and source code, their lines joined.
    pub fn text() -> Self {
        let bytes = TEXT.iter().flat_map(|text| text.bytes());
        let text = bytes.map(|byte| if byte.is_ascii_control() { b' ' } else { byte });
        Self::of(&text.collect::<Vec<_>>())
    }

    /// Files with their owners and sizes in colours, as `ls -l` and build logs have lines.
    pub fn listing() -> Self {
        let mut state = 1_u32;
        let line = |file: u32| {
            let (size, name) = (printable(&mut state), printable(&mut state));
            let size = u32::from(size) * 331 + file;
            format!(
                "{RED}-rw-r--r--{PLAIN} 1 agent agent {size:>7} Nov {:>2} {:02}:{:02} {BLUE}src/module_{}{file}.rs{PLAIN}",
                file % 28 + 1,
                file % 24,
                size % 60,
                char::from(name.to_ascii_lowercase()),
            )
        };
        let lines: String = (0..LISTING_LINES).map(line).collect();
        Self::of(lines.as_bytes())
    }

    fn of(period: &[u8]) -> Self {
        Self { twice: period.repeat(2) }
    }

    pub fn period_bytes(&self) -> usize {
        self.twice.len() / 2
    }

    /// One period of bytes, from `offset` bytes after the start.
    pub fn from(&self, offset: usize) -> &[u8] {
        let period = self.period_bytes();
        &self.twice[offset % period..][..period]
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
    fn no_terminal_changes_or_answers_a_byte_of_them() {
        assert!(Pattern::noise().from(0).iter().all(u8::is_ascii_graphic));
        assert!(!Pattern::text().from(0).iter().any(u8::is_ascii_control));
        let is_control = |byte: &&u8| byte.is_ascii_control() && **byte != b'\x1b';
        assert_eq!(Pattern::listing().from(0).iter().find(is_control), None);
    }

    #[test]
    fn no_frame_of_64_kib_holds_a_line_twice() {
        for pattern in [Pattern::text(), Pattern::listing()] {
            assert!(pattern.period_bytes() > 64 * 1024, "{}", pattern.period_bytes());
        }
    }

    proptest! {
        #[test]
        fn they_go_on_from_any_offset(offset in 0_usize..1 << 40, on in 0_usize..NOISE_BYTES) {
            for pattern in [Pattern::noise(), Pattern::text(), Pattern::listing()] {
                let (here, there) = (pattern.from(offset), pattern.from(offset + on));
                prop_assert_eq!(&here[on..], &there[..pattern.period_bytes() - on]);
            }
        }

        #[test]
        fn another_offset_has_other_bytes(offset in 0_usize..NOISE_BYTES, on in 1_usize..NOISE_BYTES) {
            let pattern = Pattern::noise();
            prop_assert_ne!(&pattern.from(offset)[..64], &pattern.from(offset + on)[..64]);
        }
    }
}
