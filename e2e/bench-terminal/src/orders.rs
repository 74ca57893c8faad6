//! What the program at the far end of a terminal is told to do, by what is typed; pure.
//!
//! | Typed | Done |
//! |---|---|
//! | `0x02` (Ctrl-B), then a byte n | n MiB of [noise](crate::pattern::Pattern::noise), then [`MARKER`] |
//! | `0x14` (Ctrl-T), then a byte n | n MiB of [text](crate::pattern::Pattern::text), then [`MARKER`] |
//! | `0x0c` (Ctrl-L), then a byte n | n MiB of a [listing](crate::pattern::Pattern::listing), then [`MARKER`] |
//! | `0x04` (Ctrl-D) | the program ends |
//! | `0x12` (Ctrl-R), then a pace and a session's number of two bytes | what follows is only [counted](crate::readings) |
//! | anything else | comes back as it is |

use std::num::NonZeroU8;

/// The program's first words: from then on the terminal is raw, and orders are obeyed.
pub const BANNER: &[u8] = b"bench-terminal: a stand-in for OpenCode, to measure the path\r\n";

/// Ends the bytes of one bulk order.
pub const MARKER: &[u8] = b"\r\n-- end of the pattern --\r\n";

const NOISE: u8 = 0x02;
const TEXT: u8 = 0x14;
const LISTING: u8 = 0x0c;
const QUIT: u8 = 0x04;
const COUNT: u8 = 0x12;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Typed bytes that come back as they are; not empty.
    Echo(&'a [u8]),
    Bulk {
        kind: Bulk,
        mib: u8,
    },
    /// The last order that is obeyed.
    Count {
        pace: Pace,
        session: u16,
    },
    Quit,
}

/// What bulk output consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bulk {
    Noise,
    Text,
    Listing,
}

/// How fast a program reads that only counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Whatever comes, when it comes.
    AtOnce,
    /// So many times 256 bytes, every 20 ms.
    Slow(NonZeroU8),
}

/// The bytes that order `mib` MiB.
pub fn bulk(kind: Bulk, mib: u8) -> [u8; 2] {
    let order = match kind {
        Bulk::Noise => NOISE,
        Bulk::Text => TEXT,
        Bulk::Listing => LISTING,
    };
    [order, mib]
}

/// The byte that ends the program.
pub fn quit() -> [u8; 1] {
    [QUIT]
}

fn bulk_kind(order: u8) -> Option<Bulk> {
    match order {
        NOISE => Some(Bulk::Noise),
        TEXT => Some(Bulk::Text),
        LISTING => Some(Bulk::Listing),
        _ => None,
    }
}

/// The bytes after which everything that is typed is counted for `session`.
pub fn count(pace: Pace, session: u16) -> [u8; 4] {
    let pace = match pace {
        Pace::AtOnce => 0,
        Pace::Slow(steps) => steps.get(),
    };
    let [high, low] = session.to_be_bytes();
    [COUNT, pace, high, low]
}

/// Reads orders out of what is typed, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct Orders {
    /// What has been read of an order of several bytes.
    begun: Vec<u8>,
}

impl Orders {
    /// Takes the next order off `typed`; `None` when it is used up.
    pub fn next<'a>(&mut self, typed: &mut &'a [u8]) -> Option<Order<'a>> {
        let starts = |byte: &u8| matches!(*byte, QUIT | COUNT) || bulk_kind(*byte).is_some();
        if self.begun.is_empty() {
            let echo = typed.iter().position(starts).unwrap_or(typed.len());
            if echo > 0 {
                return typed.split_off(..echo).map(Order::Echo);
            }
        }
        loop {
            self.begun.push(*typed.split_off_first()?);
            if let Some(order) = whole(&self.begun) {
                self.begun.clear();
                return Some(order);
            }
        }
    }
}

/// The order that `bytes` are, if they are all of it.
fn whole(bytes: &[u8]) -> Option<Order<'static>> {
    match *bytes {
        [QUIT] => Some(Order::Quit),
        [order, mib] => bulk_kind(order).map(|kind| Order::Bulk { kind, mib }),
        [COUNT, pace, high, low] => {
            let pace = NonZeroU8::new(pace).map_or(Pace::AtOnce, Pace::Slow);
            Some(Order::Count { pace, session: u16::from_be_bytes([high, low]) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all<'a>(pieces: &[&'a [u8]]) -> Vec<Order<'a>> {
        let mut orders = Orders::default();
        let mut found = vec![];
        for piece in pieces {
            let mut typed = *piece;
            found.extend(std::iter::from_fn(|| orders.next(&mut typed)));
            assert!(typed.is_empty());
        }
        found
    }

    #[test]
    fn orders_are_found_wherever_what_is_typed_is_cut() {
        let bulk_of = |kind, mib| Order::Bulk { kind, mib };
        let (echo, five) = (Order::Echo(b"ab"), bulk_of(Bulk::Noise, 5));
        assert_eq!(all(&[b"ab\x02\x05ab\x04"]), [echo, five, echo, Order::Quit]);
        assert_eq!(all(&[b"ab\x02", b"\x05ab"]), [echo, five, echo]);
        assert_eq!(all(&[b"\x02", b"", b"\x05"]), [five]);
        for kind in [Bulk::Noise, Bulk::Text, Bulk::Listing] {
            assert_eq!(all(&[&bulk(kind, 2), &quit()]), [bulk_of(kind, 2), Order::Quit]);
        }
    }

    #[test]
    fn who_counts_is_told_how_fast_and_for_which_session() {
        for (pace, session) in [(Pace::AtOnce, 0x0204), (Pace::Slow(NonZeroU8::MAX), 7)] {
            let typed = count(pace, session);
            let order = Order::Count { pace, session };
            assert_eq!(all(&[&typed]), [order]);
            let (start, end) = typed.split_at(2);
            assert_eq!(all(&[b"a", start, end]), [Order::Echo(b"a"), order]);
        }
    }

    #[test]
    fn a_size_is_no_order_whatever_its_value() {
        let noise = |mib| Order::Bulk { kind: Bulk::Noise, mib };
        assert_eq!(all(&[b"\x02\x14\x02\x04"]), [noise(20), noise(4)]);
    }
}
