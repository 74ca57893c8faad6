//! The pseudo-terminal: its size, its output gathered, its input. Must not know who watches, nor
//! which processes are on its other side.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    io::{Errno, ioctl_fionread},
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, QueueSelector, Winsize, tcflush, tcgetattr, tcsetwinsize},
};
use screen_wire::{MAX_COLUMNS, MAX_ROWS};
use tokio::io::Interest;

use super::{descriptor::Descriptor, viewer::Gathered};

/// A read that gives as much as this is one of many. Linux gives out at most 4095 bytes of a
/// terminal's output at once (`N_TTY_BUF_SIZE`), and less where the program was read while it
/// wrote.
const BULK_BYTES: usize = 1024;

/// In character cells. A viewer chooses it, and programs allocate by it: 65535 × 65535 would end
/// the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    columns: u16,
    rows: u16,
}

impl Size {
    /// `None` without any cells, which is what a hidden page measures; a size too great is cut.
    pub(crate) fn new(columns: u16, rows: u16) -> Option<Self> {
        let size = Self { columns: columns.min(MAX_COLUMNS), rows: rows.min(MAX_ROWS) };
        (columns > 0 && rows > 0).then_some(size)
    }
}

/// Whether there can be more output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    Open,
    /// No process has the terminal open any more, and all that was written has been read.
    Ended,
}

/// Our side of a terminal. Dropping it hangs the terminal up, and drops what the program has not
/// read.
pub(crate) struct Pty(Descriptor);

const TERMINAL: OpenptFlags =
    OpenptFlags::RDWR.union(OpenptFlags::NOCTTY).union(OpenptFlags::CLOEXEC);

impl Pty {
    /// A new terminal, and the side of it that becomes a program's standard streams.
    pub(crate) fn open(size: Size) -> io::Result<(Self, OwnedFd)> {
        let ours = openpt(TERMINAL)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let theirs = program_side(&ours)?;
        tcsetwinsize(&ours, winsize(size))?;
        Ok((Self(Descriptor::new(ours, Interest::READABLE | Interest::WRITABLE)?), theirs))
    }

    /// Sets the size; the kernel tells the programs (SIGWINCH).
    pub(crate) fn resize(&self, size: Size) -> io::Result<()> {
        Ok(tcsetwinsize(self.0.as_fd(), winsize(size))?)
    }

    /// Waits until some of `typed` can be written, and says how much was.
    pub(crate) async fn write(&self, typed: &[u8]) -> io::Result<usize> {
        self.0.write(typed).await
    }

    /// Writes what can be written of `typed` without waiting, and says how much.
    pub(crate) fn write_now(&self, typed: &[u8]) -> io::Result<usize> {
        self.0.write_now(typed)
    }

    /// Drops the input that the program has not read, where an interrupt would: a program that
    /// reads Ctrl-C as a key must not lose the keys before it.
    pub(crate) fn flush_interruptible_input(&self) -> io::Result<()> {
        let terminal = program_side(&self.0)?;
        if tcgetattr(&terminal)?.local_modes.contains(LocalModes::ISIG) {
            tcflush(&terminal, QueueSelector::IFlush)?;
        }
        Ok(())
    }

    /// How much input the program could read; of a line that is not complete it cannot read
    /// anything.
    pub(crate) fn unread_bytes(&self) -> io::Result<u64> {
        Ok(ioctl_fionread(program_side(&self.0)?)?)
    }

    /// Waits for output, then gathers what there is of it, up to `limit` bytes in all. A little is
    /// not asked for more: it is a key's echo, and wants to be shown.
    pub(crate) async fn gather(&self, gathered: &mut Gathered, limit: usize) -> io::Result<Output> {
        let mut read = self.0.read(gathered.spare(limit)).await;
        loop {
            match taken(read)? {
                Taken::Bytes(count) => {
                    gathered.grow(count);
                    let spare = gathered.spare(limit);
                    if count < BULK_BYTES || spare.is_empty() {
                        return Ok(Output::Open);
                    }
                    read = self.0.read_more(spare);
                }
                Taken::Nothing => return Ok(Output::Open),
                Taken::End => return Ok(Output::Ended),
            }
        }
    }

    /// Gathers the output there is, without waiting, up to `limit` bytes in all.
    pub(crate) fn gather_now(&self, gathered: &mut Gathered, limit: usize) -> io::Result<()> {
        loop {
            let spare = gathered.spare(limit);
            if spare.is_empty() {
                return Ok(());
            }
            match taken(self.0.read_now(spare))? {
                Taken::Bytes(count) => gathered.grow(count),
                Taken::Nothing | Taken::End => return Ok(()),
            }
        }
    }
}

/// Not by its name: the pod may have mounted another /dev/pts by now.
fn program_side(ours: impl AsFd) -> io::Result<OwnedFd> {
    Ok(ioctl_tiocgptpeer(ours, TERMINAL)?)
}

enum Taken {
    Bytes(usize),
    /// There is nothing yet.
    Nothing,
    /// Linux reports it as EIO.
    End,
}

fn taken(read: io::Result<usize>) -> io::Result<Taken> {
    match read {
        Ok(0) => Ok(Taken::End),
        Ok(count) => Ok(Taken::Bytes(count)),
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(Taken::End),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Taken::Nothing),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(Taken::Nothing),
        Err(error) => Err(error),
    }
}

fn winsize(size: Size) -> Winsize {
    Winsize { ws_col: size.columns, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 }
}
