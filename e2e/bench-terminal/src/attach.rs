//! The terminal's part: raw, and obedient to what is typed. It must not write a byte of its own after the banner.

use std::{
    fs::File,
    io::{Read, Write, stdin, stdout},
    os::fd::AsFd,
};

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::{
    count::{self, Counted},
    orders::{BANNER, MARKER, Order, Orders},
    pattern::{Pattern, Patterns},
};

const MIB: usize = 1024 * 1024;
/// Bytes read at once: keystrokes are small.
const READ_BYTES: usize = 4096;

/// Obeys until it is told to end, or the terminal is hung up.
pub(crate) fn run() -> Result<()> {
    raw().context("stdin is not a terminal")?;
    // Not the library's own: stdout gathers lines, and stdin takes more than it is asked for.
    let mut terminal = File::from(stdout().as_fd().try_clone_to_owned()?);
    let mut typed = File::from(stdin().as_fd().try_clone_to_owned()?);
    terminal.write_all(BANNER)?;
    match obey(&mut typed, &mut terminal)? {
        End::Over => Ok(()),
        End::Counting(counted) => count::run(&counted, &mut typed, &mut terminal),
    }
}

/// Why no further order is obeyed.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Over,
    Counting(Counted),
}

/// Every byte as it is, at once, both ways.
fn raw() -> rustix::io::Result<()> {
    let mut settings = tcgetattr(stdin())?;
    settings.make_raw();
    tcsetattr(stdin(), OptionalActions::Now, &settings)
}

fn obey(typed: &mut impl Read, terminal: &mut impl Write) -> Result<End> {
    let (mut orders, patterns) = (Orders::default(), Patterns::default());
    let mut buffer = [0; READ_BYTES];
    loop {
        let count = typed.read(&mut buffer)?;
        if count == 0 {
            return Ok(End::Over);
        }
        let mut rest = &buffer[..count];
        while let Some(order) = orders.next(&mut rest) {
            match order {
                Order::Echo(bytes) => terminal.write_all(bytes)?,
                Order::Bulk { kind, mib } => {
                    pour(patterns.of(kind), usize::from(mib) * MIB, terminal)?;
                }
                Order::Quit => return Ok(End::Over),
                Order::Count { pace, session } => {
                    return Ok(End::Counting(Counted { pace, session, bytes: rest.len() }));
                }
            }
        }
    }
}

fn pour(pattern: &Pattern, bytes: usize, terminal: &mut impl Write) -> Result<()> {
    let mut written = 0;
    while written < bytes {
        let part = pattern.from(written);
        let part = &part[..part.len().min(bytes - written)];
        terminal.write_all(part)?;
        written += part.len();
    }
    Ok(terminal.write_all(MARKER)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::{self, Pace};

    #[test]
    fn what_is_typed_comes_back_and_orders_do_not() {
        let mut screen = vec![];
        let end = obey(&mut &b"ab\x02\x01c\x04d"[..], &mut screen).unwrap();
        assert_eq!(end, End::Over);
        let (before, rest) = screen.split_at(2);
        let (bulk, after) = rest.split_at(MIB);
        assert_eq!((before, after), (&b"ab"[..], &[MARKER, b"c"].concat()[..]));
        let pattern = Pattern::noise();
        assert!(
            bulk.chunks(1000)
                .enumerate()
                .all(|(i, chunk)| pattern.from(i * 1000).starts_with(chunk))
        );
    }
    #[test]
    fn what_follows_the_order_to_count_is_counted_and_not_obeyed() {
        let typed = [b"a", &orders::count(Pace::AtOnce, 9)[..], b"b\x04\x02"].concat();
        let mut screen = vec![];
        let end = obey(&mut &typed[..], &mut screen).unwrap();
        assert_eq!(end, End::Counting(Counted { pace: Pace::AtOnce, session: 9, bytes: 3 }));
        assert_eq!(screen, b"a");
    }
}
