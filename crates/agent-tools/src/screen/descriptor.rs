//! A file descriptor that the runtime waits for; must not know what flows through it.
//!
//! Tokio's own stdin and stdout read and write on other threads, which costs latency and keeps the
//! process from leaving while one of them is blocked.

use std::{
    io::{self, IoSlice},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    task::{Context, Poll, ready},
};

use rustix::{
    buffer::spare_capacity,
    fs::{OFlags, fcntl_getfl, fcntl_setfl},
    io::{read, write, writev},
};
use tokio::io::{Interest, unix::AsyncFd};

/// Only one task may wait for it, which spares the runtime a list of those that do.
pub(crate) struct Descriptor(AsyncFd<OwnedFd>);

impl Descriptor {
    /// Makes `fd` non-blocking, for all that share it.
    #[expect(
        deprecated,
        reason = "its unsafe successor asks for an open descriptor: ours is owned"
    )]
    pub(crate) fn new(fd: OwnedFd, interest: Interest) -> io::Result<Self> {
        fcntl_setfl(&fd, fcntl_getfl(&fd)? | OFlags::NONBLOCK)?;
        Ok(Self(AsyncFd::with_interest(fd, interest)?))
    }

    /// Waits for bytes of a pipe or a socket, into the spare capacity of `into`, which must have some; 0 is the end.
    pub(crate) fn poll_append(
        &self,
        cx: &mut Context<'_>,
        into: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            let Ok(count) = guard.try_io(|fd| Ok(read(fd, spare_capacity(into))?)) else {
                continue;
            };
            // Less than was asked for is all there was, and more will be reported anew: what
            // tokio's own pipes and sockets rely on to spare a system call.
            if matches!(count, Ok(1..)) && into.len() < into.capacity() {
                guard.clear_ready();
            }
            return Poll::Ready(count);
        }
    }

    /// Waits for bytes; 0 is the end.
    pub(crate) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        into: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_readable(cx, |fd| Ok(read(fd, &mut *into)?))
    }

    /// Waits until `take` gives something else than `WouldBlock`.
    pub(crate) fn poll_readable<T>(
        &self,
        cx: &mut Context<'_>,
        mut take: impl FnMut(&OwnedFd) -> io::Result<T>,
    ) -> Poll<io::Result<T>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(cx))?;
            if let Ok(result) = guard.try_io(|fd| take(fd.get_ref())) {
                return Poll::Ready(result);
            }
        }
    }

    /// Takes what is there, or fails with `WouldBlock`.
    pub(crate) fn read_now(&self, into: &mut [u8]) -> io::Result<usize> {
        Ok(read(self.0.get_ref(), into)?)
    }

    /// As [`Descriptor::read_now`], right after a read that succeeded: what it finds out spares the
    /// next wait a system call.
    pub(crate) fn read_more(&self, into: &mut [u8]) -> io::Result<usize> {
        self.0.try_io(Interest::READABLE, |fd| Ok(read(fd, into)?))
    }

    /// Waits until some of `bytes` can be written, and says how many were.
    pub(crate) fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_writable(cx, |fd| Ok(write(fd, bytes)?))
    }

    /// Writes what can be written without waiting: 0 is none.
    pub(crate) fn write_now(&self, bytes: &[u8]) -> io::Result<usize> {
        written(write(self.0.get_ref(), bytes))
    }

    /// As [`Descriptor::poll_write`], of one piece after the other.
    pub(crate) fn poll_write_vectored(
        &self,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_writable(cx, |fd| Ok(writev(fd, pieces)?))
    }

    /// As [`Descriptor::write_now`], of one piece after the other.
    pub(crate) fn write_vectored_now(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        written(writev(self.0.get_ref(), pieces))
    }

    /// Waits until the end that reads has closed.
    pub(crate) async fn reader_gone(&self) -> io::Result<()> {
        self.0.ready(Interest::ERROR).await.map(drop)
    }

    fn poll_writable<R>(
        &self,
        cx: &mut Context<'_>,
        mut write: impl FnMut(&OwnedFd) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(cx))?;
            if let Ok(result) = guard.try_io(|fd| write(fd.get_ref())) {
                return Poll::Ready(result);
            }
        }
    }
}

fn written(written: rustix::io::Result<usize>) -> io::Result<usize> {
    match written {
        Err(rustix::io::Errno::AGAIN) => Ok(0),
        written => Ok(written?),
    }
}

impl AsFd for Descriptor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
