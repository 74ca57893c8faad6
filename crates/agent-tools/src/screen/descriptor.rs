//! A file descriptor that the runtime waits for; must not know what flows through it.
//!
//! Tokio's own stdin and stdout read and write on other threads, which costs latency and keeps the
//! process from leaving while one of them is blocked.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{read, write},
};
use tokio::io::{Interest, unix::AsyncFd};

pub(crate) struct Descriptor(AsyncFd<OwnedFd>);

impl Descriptor {
    /// Makes `fd` non-blocking, for all that share it.
    #[expect(
        deprecated,
        reason = "its unsafe successor asks for an open descriptor: ours is owned"
    )]
    pub(crate) fn new(fd: OwnedFd) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        let interest =
            Interest::READABLE | Interest::WRITABLE | Interest::PRIORITY | Interest::ERROR;
        Ok(Self(AsyncFd::with_interest(fd, interest)?))
    }

    /// Waits for bytes; 0 is the end. Nothing is lost when the wait is given up.
    pub(crate) async fn read(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0.async_io(Interest::READABLE, |fd| Ok(read(fd, &mut *into)?)).await
    }

    /// Takes what is there, or fails with `WouldBlock`.
    pub(crate) fn try_read(&self, into: &mut [u8]) -> io::Result<usize> {
        Ok(read(self.0.get_ref(), into)?)
    }

    /// Waits until some of `bytes` can be written, and says how many were.
    pub(crate) async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.async_io(Interest::WRITABLE, |fd| Ok(write(fd, bytes)?)).await
    }

    /// Waits until the end that writes has closed, even while there is still something to read.
    pub(crate) async fn writer_gone(&self) -> io::Result<()> {
        // There is no interest in a hang-up alone: this one includes it, and pipes have no other
        // priority events.
        self.0.ready(Interest::PRIORITY).await.map(drop)
    }

    /// Waits until the end that reads has closed.
    pub(crate) async fn reader_gone(&self) -> io::Result<()> {
        self.0.ready(Interest::ERROR).await.map(drop)
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
