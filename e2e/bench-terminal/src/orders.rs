//! What the program at the far end of a terminal is told to do, by what is typed; pure.
//!
//! | Typed | Done |
//! |---|---|
//! | `0x02` (Ctrl-B), then a byte n | n MiB of the [pattern](crate::pattern), then [`MARKER`] |
//! | `0x04` (Ctrl-D) | the program ends |
//! | anything else | comes back as it is |

/// The program's first words: from then on the terminal is raw, and orders are obeyed.
pub const BANNER: &[u8] = b"bench-terminal: a stand-in for OpenCode, to measure the path\r\n";

/// Ends the bytes of one bulk order.
pub const MARKER: &[u8] = b"\r\n-- end of the pattern --\r\n";

const BULK: u8 = 0x02;
const QUIT: u8 = 0x04;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Typed bytes that come back as they are; not empty.
    Echo(&'a [u8]),
    Bulk {
        mib: u8,
    },
    Quit,
}

/// The bytes that order `mib` MiB.
pub fn bulk(mib: u8) -> [u8; 2] {
    [BULK, mib]
}

/// The byte that ends the program.
pub fn quit() -> [u8; 1] {
    [QUIT]
}

/// Reads orders out of what is typed, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct Orders {
    /// The first byte of a bulk order has been read, its size not yet.
    awaits_size: bool,
}

impl Orders {
    /// Takes the next order off `typed`; `None` when it is used up.
    pub fn next<'a>(&mut self, typed: &mut &'a [u8]) -> Option<Order<'a>> {
        let first = *typed.first()?;
        if std::mem::take(&mut self.awaits_size) {
            *typed = &typed[1..];
            return Some(Order::Bulk { mib: first });
        }
        match first {
            BULK => {
                *typed = &typed[1..];
                self.awaits_size = true;
                self.next(typed)
            }
            QUIT => {
                *typed = &typed[1..];
                Some(Order::Quit)
            }
            _ => {
                let end = typed.iter().position(|byte| matches!(*byte, BULK | QUIT));
                let echo = typed.split_off(..end.unwrap_or(typed.len()))?;
                Some(Order::Echo(echo))
            }
        }
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
    fn a_size_is_no_order_whatever_its_value() {
        assert_eq!(all(&[b"\x02\x02\x02\x04"]), [Order::Bulk { mib: 2 }, Order::Bulk { mib: 4 }]);
    }
}
