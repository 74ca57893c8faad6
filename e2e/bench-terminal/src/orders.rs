//! What the program at the far end of a terminal is told to do, by what is typed; pure.
//!
//! | Typed | Done |
//! |---|---|
//! | `0x02` (Ctrl-B), then a byte n | n MiB of the [pattern](crate::pattern), then [`MARKER`] |
//! | `0x04` (Ctrl-D) | the program ends |
//! | `0x12` (Ctrl-R), then a pace and a session's number of two bytes | what follows is only [counted](crate::readings) |
//! | anything else | comes back as it is |

use std::num::NonZeroU8;

/// The program's first words: from then on the terminal is raw, and orders are obeyed.
pub const BANNER: &[u8] = b"bench-terminal: a stand-in for OpenCode, to measure the path\r\n";

/// Ends the bytes of one bulk order.
pub const MARKER: &[u8] = b"\r\n-- end of the pattern --\r\n";

const BULK: u8 = 0x02;
const QUIT: u8 = 0x04;
const COUNT: u8 = 0x12;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Typed bytes that come back as they are; not empty.
    Echo(&'a [u8]),
    Bulk {
        mib: u8,
    },
    /// The last order that is obeyed.
    Count {
        pace: Pace,
        session: u16,
    },
    Quit,
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
pub fn bulk(mib: u8) -> [u8; 2] {
    [BULK, mib]
}

/// The byte that ends the program.
pub fn quit() -> [u8; 1] {
    [QUIT]
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
        let starts = |byte: &u8| matches!(*byte, BULK | QUIT | COUNT);
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
        [BULK, mib] => Some(Order::Bulk { mib }),
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
        let (echo, five) = (Order::Echo(b"ab"), Order::Bulk { mib: 5 });
        assert_eq!(all(&[b"ab\x02\x05ab\x04"]), [echo, five, echo, Order::Quit]);
        assert_eq!(all(&[b"ab\x02", b"\x05ab"]), [echo, five, echo]);
        assert_eq!(all(&[b"\x02", b"", b"\x05"]), [five]);
        assert_eq!(all(&[&bulk(2), &quit()]), [Order::Bulk { mib: 2 }, Order::Quit]);
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
        assert_eq!(all(&[b"\x02\x02\x02\x04"]), [Order::Bulk { mib: 2 }, Order::Bulk { mib: 4 }]);
    }
}
