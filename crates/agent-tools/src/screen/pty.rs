//! The pseudo-terminal: its size, its output gathered, its input. Must not know who watches, nor which
//! processes are on its other side.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use bytes::BytesMut;
use rustix::{
    io::Errno,
    pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt},
    termios::{Winsize, tcsetwinsize},
};
use screen_wire::MAX_PAYLOAD_BYTES;

use super::descriptor::Descriptor;

/// Linux gives out at most 4095 bytes of a terminal's output at once (`N_TTY_BUF_SIZE`).
const READ_BYTES: usize = 4096;

/// In character cells. A guest chooses it, and programs allocate by it: 65535 × 65535 would end the pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    columns: u16,
    rows: u16,
}

/// More than the smallest font shows on the largest screen.
const MAX_COLUMNS: u16 = 1000;
const MAX_ROWS: u16 = 500;

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

/// Our side of a terminal. Dropping it hangs the terminal up.
pub(crate) struct Pty(Descriptor);

impl Pty {
    /// A new terminal, and the side of it that becomes a program's standard streams.
    pub(crate) fn open(size: Size) -> io::Result<(Self, OwnedFd)> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        // Not by its name: the pod may have mounted another /dev/pts by then.
        let theirs = ioctl_tiocgptpeer(&ours, flags)?;
        tcsetwinsize(&ours, winsize(size))?;
        Ok((Self(Descriptor::new(ours)?), theirs))
    }

    /// Sets the size; the kernel tells the programs (SIGWINCH).
    pub(crate) fn resize(&self, size: Size) -> io::Result<()> {
        Ok(tcsetwinsize(self.0.as_fd(), winsize(size))?)
    }

    /// Writes some of `typed`, and says how much.
    pub(crate) async fn write(&self, typed: &[u8]) -> io::Result<usize> {
        self.0.write(typed).await
    }

    /// Waits for output, then takes all there is, until `gathered` fills a frame.
    pub(crate) async fn gather(&self, gathered: &mut BytesMut) -> io::Result<Output> {
        let mut chunk = [0; READ_BYTES];
        let room = room_in(gathered);
        match taken(self.0.read(&mut chunk[..room]).await)? {
            Some(0) => Ok(Output::Ended),
            Some(count) => {
                gathered.extend_from_slice(&chunk[..count]);
                self.take(gathered)
            }
            None => Ok(Output::Open),
        }
    }

    /// Takes the output there is, without waiting, until `gathered` fills a frame.
    pub(crate) fn take(&self, gathered: &mut BytesMut) -> io::Result<Output> {
        let mut chunk = [0; READ_BYTES];
        loop {
            let room = room_in(gathered);
            if room == 0 {
                return Ok(Output::Open);
            }
            match taken(self.0.try_read(&mut chunk[..room]))? {
                Some(0) => return Ok(Output::Ended),
                Some(count) => gathered.extend_from_slice(&chunk[..count]),
                None => return Ok(Output::Open),
            }
        }
    }
}

fn room_in(gathered: &BytesMut) -> usize {
    MAX_PAYLOAD_BYTES.saturating_sub(gathered.len()).min(READ_BYTES)
}

/// `Some(0)` at the end of all output, which Linux reports as EIO; `None` when there is nothing yet.
fn taken(read: io::Result<usize>) -> io::Result<Option<usize>> {
    match read {
        Ok(count) => Ok(Some(count)),
        Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => Ok(Some(0)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
        Err(error) => Err(error),
    }
}

fn winsize(size: Size) -> Winsize {
    Winsize { ws_col: size.columns, ws_row: size.rows, ws_xpixel: 0, ws_ypixel: 0 }
}
