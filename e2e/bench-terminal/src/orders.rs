//! What the program at the far end of a terminal is told to do, by what is typed; pure.
//!
//! | Typed | Done |
//! |---|---|
//! | `0x02` (Ctrl-B), then a byte n | n MiB of [noise](crate::pattern::Pattern::noise), then [`MARKER`] |
//! | `0x14` (Ctrl-T), then a byte n | n MiB of [text](crate::pattern::Pattern::text), then [`MARKER`] |
//! | `0x0c` (Ctrl-L), then a byte n | n MiB of a [listing](crate::pattern::Pattern::listing), then [`MARKER`] |
//! | `0x04` (Ctrl-D) | the program ends |
//! | anything else | comes back as it is |

/// The program's first words: from then on the terminal is raw, and orders are obeyed.
pub const BANNER: &[u8] = b"bench-terminal: a stand-in for OpenCode, to measure the path\r\n";

/// Ends the bytes of one bulk order.
pub const MARKER: &[u8] = b"\r\n-- end of the pattern --\r\n";

const NOISE: u8 = 0x02;
const TEXT: u8 = 0x14;
const LISTING: u8 = 0x0c;
const QUIT: u8 = 0x04;

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order<'a> {
    /// Typed bytes that come back as they are; not empty.
    Echo(&'a [u8]),
    Bulk {
        kind: Bulk,
        mib: u8,
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

/// Reads orders out of what is typed, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct Orders {
    /// The first byte of a bulk order has been read, its size not yet.
    awaits_size: Option<Bulk>,
}

impl Orders {
    /// Takes the next order off `typed`; `None` when it is used up.
    pub fn next<'a>(&mut self, typed: &mut &'a [u8]) -> Option<Order<'a>> {
        let first = *typed.first()?;
        if let Some(kind) = self.awaits_size.take() {
            *typed = &typed[1..];
            return Some(Order::Bulk { kind, mib: first });
        }
        if let Some(kind) = bulk_kind(first) {
            *typed = &typed[1..];
            self.awaits_size = Some(kind);
            return self.next(typed);
        }
        if first == QUIT {
            *typed = &typed[1..];
            return Some(Order::Quit);
        }
        let is_order = |byte: &u8| *byte == QUIT || bulk_kind(*byte).is_some();
        let end = typed.iter().position(is_order);
        typed.split_off(..end.unwrap_or(typed.len())).map(Order::Echo)
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
    fn a_size_is_no_order_whatever_its_value() {
        let noise = |mib| Order::Bulk { kind: Bulk::Noise, mib };
        assert_eq!(all(&[b"\x02\x14\x02\x04"]), [noise(20), noise(4)]);
    }
}
