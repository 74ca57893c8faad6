//! Counts what is typed, and notes when the last of it was read. It does not end because it is hung up: whoever
//! reads on for as long as there is something to read sees the last byte.

use std::{
    fs::{self, File},
    io::{ErrorKind, Read, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, Result};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use crate::{
    orders::Pace,
    pattern::Pattern,
    readings::{FOLDER, Reading, now},
};

/// What [`Pace::Slow`] counts in, and how long it waits, in nanoseconds.
const STEP_BYTES: usize = 256;
const STEP_NANOSECONDS: i64 = 20_000_000;
/// Linux gives out no more of a terminal's input at once.
const READ_BYTES: usize = 4096;
/// Who reads slowly says something at every so many reads, so that a viewer that does not listen has output waiting.
const READS_EACH_ANSWER: u64 = 10;
/// More than the longest close frame (RFC 6455, 5.5), which it must not be taken for.
const ANSWER_BYTES: usize = 256;

/// An order to count, and what was typed behind it already.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) pace: Pace,
    pub(crate) session: u16,
    pub(crate) bytes: usize,
}

/// Counts until the terminal gives nothing any more.
pub(crate) fn run(counted: &Counted, typed: &mut File, terminal: &mut File) -> Result<()> {
    // Caught, and nothing follows from it.
    signal_hook::flag::register(signal_hook::consts::SIGHUP, Arc::<AtomicBool>::default())?;
    let mut record = Record::create(Path::new(FOLDER), counted)?;
    let pattern = Pattern::noise();
    let mut buffer = [0; READ_BYTES];
    let limit = limit(counted.pace);
    for reads in 0_u64.. {
        match typed.read(&mut buffer[..limit]) {
            Ok(0) => break,
            Ok(count) => record.read(count)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            // What Linux says of a terminal that was hung up.
            Err(_) => break,
        }
        if let Pace::Slow(_) = counted.pace {
            if reads % READS_EACH_ANSWER == 0 {
                // To a terminal that was hung up meanwhile: the next read finds that out.
                let _ = terminal.write_all(&pattern.from(0)[..ANSWER_BYTES]);
            }
            pause(typed)?;
        }
    }
    record.end()
}

fn limit(pace: Pace) -> usize {
    match pace {
        Pace::AtOnce => READ_BYTES,
        Pace::Slow(steps) => (usize::from(steps.get()) * STEP_BYTES).min(READ_BYTES),
    }
}

/// Waits for the next turn, or the hang-up.
fn pause(typed: &File) -> Result<()> {
    let limit = Timespec { tv_sec: 0, tv_nsec: STEP_NANOSECONDS };
    match poll(&mut [PollFd::new(typed, PollFlags::empty())], Some(&limit)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A session's file.
struct Record {
    file: File,
    reading: Reading,
}

impl Record {
    fn create(folder: &Path, counted: &Counted) -> Result<Self> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        let file = File::create(folder.join(counted.session.to_string()))?;
        let mut record =
            Self { file, reading: Reading { session: counted.session, ..Reading::default() } };
        if counted.bytes == 0 {
            record.write()?;
        } else {
            record.read(counted.bytes)?;
        }
        Ok(record)
    }

    fn read(&mut self, bytes: usize) -> Result<()> {
        self.reading.last_at = now();
        self.reading.bytes += u64::try_from(bytes)?;
        self.write()
    }

    fn end(&mut self) -> Result<()> {
        self.reading.ended_at = now();
        self.write()
    }

    fn write(&self) -> Result<()> {
        Ok(self.file.write_all_at(self.reading.to_string().as_bytes(), 0)?)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;

    fn read_back(folder: &Path) -> Reading {
        fs::read_to_string(folder.join("7")).unwrap().parse().unwrap()
    }

    #[test]
    fn the_file_always_says_what_was_read_last() {
        let folder = tempfile::tempdir().unwrap();
        let before = now();
        let counted = Counted { pace: Pace::AtOnce, session: 7, bytes: 0 };
        let mut record = Record::create(folder.path(), &counted).unwrap();
        assert_eq!(read_back(folder.path()), Reading { session: 7, ..Reading::default() });

        record.read(5).unwrap();
        record.read(6).unwrap();
        let reading = read_back(folder.path());
        assert_eq!((reading.bytes, reading.ended_at), (11, 0));
        assert!(reading.last_at >= before);

        record.end().unwrap();
        let ended = read_back(folder.path());
        assert_eq!((ended.bytes, ended.last_at), (11, reading.last_at));
        assert!(ended.ended_at >= ended.last_at);
    }

    #[test]
    fn what_came_with_the_order_counts() {
        let folder = tempfile::tempdir().unwrap();
        let counted = Counted { pace: Pace::AtOnce, session: 7, bytes: 3 };
        Record::create(folder.path(), &counted).unwrap();
        assert_eq!(read_back(folder.path()).bytes, 3);
    }

    #[test]
    fn no_pace_reads_more_at_once_than_there_is_room_for() {
        let slow = |steps| limit(Pace::Slow(NonZeroU8::new(steps).unwrap()));
        assert_eq!((slow(1), slow(2), slow(255)), (256, 512, READ_BYTES));
        assert_eq!(limit(Pace::AtOnce), READ_BYTES);
    }
}
