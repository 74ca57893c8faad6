//! The pseudo-terminal: its size, its output gathered, its input. Must not know who watches, nor
//! which processes are on its other side.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    task::{Context, Poll, ready},
};

use rustix::{
    io::{Errno, ioctl_fionread},
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{LocalModes, QueueSelector, Winsize, tcflush, tcgetattr, tcsetwinsize},
};
use tokio::io::Interest;

use super::{descriptor::Descriptor, ring::Ring, size::Size};

/// A read that gives as much as this is one of many. Linux gives out at most 4095 bytes of a
/// terminal's output at once (`N_TTY_BUF_SIZE`), and less where the program was read while it
/// wrote.
const BULK_BYTES: usize = 1024;

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
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, typed: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, typed)
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

    /// Drops all input that the program has not read.
    pub(crate) fn flush_input(&self) -> io::Result<()> {
        let terminal = program_side(&self.0)?;
        // What is on its way, then what has arrived; and again, as the second makes room for the first.
        for _ in 0..2 {
            tcflush(&self.0, QueueSelector::OFlush)?;
            tcflush(&terminal, QueueSelector::IFlush)?;
        }
        Ok(())
    }

    /// How much input the program could read; of a line that is not complete it cannot read
    /// anything.
    pub(crate) fn unread_bytes(&self) -> io::Result<u64> {
        Ok(ioctl_fionread(program_side(&self.0)?)?)
    }

    /// Waits for output, then gathers what there is of it, up to `limit` bytes in all, and says how much that is. A
    /// little is not asked for more: it is a key's echo, and wants to be shown.
    pub(crate) fn poll_gather(
        &self,
        cx: &mut Context<'_>,
        ring: &mut Ring,
        limit: usize,
    ) -> Poll<io::Result<Output>> {
        let start = ring.head();
        let gathered = |ring: &Ring| usize::try_from(ring.head() - start).unwrap_or(limit);
        let mut read = ready!(self.0.poll_read(cx, ring.spare(limit)));
        loop {
            match taken(read)? {
                Taken::Bytes(count) => {
                    ring.grow(count);
                    let left = limit - gathered(ring);
                    if count < BULK_BYTES || left == 0 {
                        return Poll::Ready(Ok(Output::Open));
                    }
                    read = self.0.read_more(ring.spare(left));
                }
                Taken::Nothing => return Poll::Ready(Ok(Output::Open)),
                Taken::End => return Poll::Ready(Ok(Output::Ended)),
            }
        }
    }

    /// Gathers the output there is, without waiting, up to `limit` bytes.
    pub(crate) fn gather_now(&self, ring: &mut Ring, mut limit: usize) -> io::Result<()> {
        while limit > 0 {
            match taken(self.0.read_now(ring.spare(limit)))? {
                Taken::Bytes(count) => {
                    ring.grow(count);
                    limit -= count;
                }
                Taken::Nothing | Taken::End => break,
            }
        }
        Ok(())
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
    Winsize { ws_col: size.columns(), ws_row: size.rows(), ws_xpixel: 0, ws_ypixel: 0 }
}
