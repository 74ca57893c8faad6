//! What each page types, so that a terminal that all of them share tells whose a byte was and where it belongs. Pure.

use anyhow::{Result, ensure};

const FIRST: u8 = b' ';
/// The printable characters of ASCII.
const PRINTABLE: u8 = 95;

/// Some characters of one page's own, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    first: u8,
    count: u8,
}

impl Keys {
    /// Of page number `page` among so many, at most 47.
    pub fn of(page: u8, pages: u8) -> Result<Self> {
        ensure!(page < pages && pages <= PRINTABLE / 2, "page {page} of {pages}");
        let count = PRINTABLE / pages;
        Ok(Self { first: FIRST + page * count, count })
    }

    /// What it types from a position on.
    pub fn from(self, position: u64, count: usize) -> Vec<u8> {
        (position..).take(count).map(|position| self.at(position)).collect()
    }

    fn at(self, position: u64) -> u8 {
        // Less than the count.
        self.first + u8::try_from(position % u64::from(self.count)).unwrap_or_default()
    }

    /// Fails unless `typed`, in which others' keys may be, holds the first `count` of these, once and in their order.
    pub fn check(self, typed: &[u8], count: u64) -> Result<()> {
        let ours = typed.iter().filter(|key| (self.first..self.first + self.count).contains(key));
        let mut position = 0;
        for key in ours {
            ensure!(*key == self.at(position), "key {position} is {:?}", char::from(*key));
            position += 1;
        }
        ensure!(position == count, "{position} keys of {count}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_finds_its_own_keys_among_those_of_others() {
        let (one, other) = (Keys::of(0, 25).unwrap(), Keys::of(24, 25).unwrap());
        let mixed: Vec<u8> = (0..100).flat_map(|at| [one.at(at), other.at(at)]).collect();
        assert!(mixed.iter().all(|key| key.is_ascii_graphic() || *key == b' '));
        one.check(&mixed, 100).unwrap();
        other.check(&mixed, 100).unwrap();
    }

    #[test]
    fn what_is_lost_doubled_or_reordered_is_found() {
        let keys = Keys::of(1, 6).unwrap();
        let typed = keys.from(0, 40);
        keys.check(&typed, 40).unwrap();
        keys.check(&typed, 41).unwrap_err();
        keys.check(&typed[..39], 40).unwrap_err();
        let mut lost = typed.clone();
        lost.remove(7);
        keys.check(&lost, 39).unwrap_err();
        let mut doubled = typed.clone();
        doubled.insert(7, typed[7]);
        keys.check(&doubled, 41).unwrap_err();
        let mut reordered = typed;
        reordered.swap(7, 8);
        keys.check(&reordered, 40).unwrap_err();
    }

    #[test]
    fn more_pages_than_can_be_told_apart_are_refused() {
        Keys::of(0, 47).unwrap();
        Keys::of(0, 48).unwrap_err();
        Keys::of(6, 6).unwrap_err();
    }
}
