//! What a program that counts has read, and when: one line in a file for each session, written anew at each read.

use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result};

/// Where the files are, in the pod. Each is named by its session's number.
pub const FOLDER: &str = "/tmp/readings";

/// What one session's program has read. Times are [`now`]'s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    pub session: u16,
    pub bytes: u64,
    /// When the last of them had been read; 0 without any.
    pub last_at: u64,
    /// When there was nothing more to read, for ever; 0 while there might be.
    pub ended_at: u64,
}

/// The wall clock, in nanoseconds since 1970: programs of one machine agree about it.
#[allow(
    clippy::disallowed_methods,
    reason = "compared between processes; nothing is decided by it"
)]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// As many bytes whatever the values, so that a line replaces the one before it whole.
impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { session, bytes, last_at, ended_at } = self;
        writeln!(f, "{session:05} {bytes:020} {last_at:020} {ended_at:020}")
    }
}

impl FromStr for Reading {
    type Err = anyhow::Error;

    fn from_str(line: &str) -> Result<Self> {
        let mut fields = line.split_ascii_whitespace();
        let session = fields.next().context("no session")?.parse()?;
        let mut number = || anyhow::Ok(fields.next().context("a field is missing")?.parse()?);
        Ok(Self { session, bytes: number()?, last_at: number()?, ended_at: number()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_as_it_was_written_and_is_always_as_long() {
        let none = Reading::default();
        let most = Reading { session: u16::MAX, bytes: u64::MAX, last_at: 1, ended_at: u64::MAX };
        for reading in [none, most] {
            assert_eq!(reading.to_string().parse::<Reading>().unwrap(), reading);
        }
        assert_eq!(none.to_string().len(), most.to_string().len());
    }

    #[test]
    fn half_a_line_is_refused() {
        assert!("00001 00000000000000000005".parse::<Reading>().is_err());
        assert!("".parse::<Reading>().is_err());
    }
}
