//! The terminal's part: raw, and obedient to what is typed. It must not write a byte of its own after the banner.

use std::{
    fs::File,
    io::{Read, Write, stdin, stdout},
    os::fd::AsFd,
};

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

use crate::{
    orders::{BANNER, MARKER, Order, Orders},
    pattern::{Pattern, Patterns},
};

const MIB: usize = 1024 * 1024;
/// Bytes read at once: keystrokes are small.
const READ_BYTES: usize = 4096;

/// Obeys until it is told to end, or the terminal is hung up.
pub(crate) fn run() -> Result<()> {
    raw().context("stdin is not a terminal")?;
    // Not the library's own stdout, which gathers lines.
    let mut terminal = File::from(stdout().as_fd().try_clone_to_owned()?);
    terminal.write_all(BANNER)?;
    obey(&mut stdin().lock(), &mut terminal)
}

/// Every byte as it is, at once, both ways.
fn raw() -> rustix::io::Result<()> {
    let mut settings = tcgetattr(stdin())?;
    settings.make_raw();
    tcsetattr(stdin(), OptionalActions::Now, &settings)
}

fn obey(typed: &mut impl Read, terminal: &mut impl Write) -> Result<()> {
    let (mut orders, patterns) = (Orders::default(), Patterns::default());
    let mut buffer = [0; READ_BYTES];
    loop {
        let count = typed.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        let mut rest = &buffer[..count];
        while let Some(order) = orders.next(&mut rest) {
            match order {
                Order::Echo(bytes) => terminal.write_all(bytes)?,
                Order::Bulk { kind, mib } => {
                    pour(patterns.of(kind), usize::from(mib) * MIB, terminal)?;
                }
                Order::Quit => return Ok(()),
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

    #[test]
    fn what_is_typed_comes_back_and_orders_do_not() {
        let mut screen = vec![];
        obey(&mut &b"ab\x02\x01c\x04d"[..], &mut screen).unwrap();
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
}
