//! What an attach and the holder of its terminal say to each other: the attach hands its standard streams over, and the
//! holder says how it ended. Each message is one datagram of a socket of their user. No byte of the terminal passes here.

use std::{
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    task::{Context, Poll, ready},
    time::Duration,
};

use rustix::{
    net::{
        AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
        SendAncillaryMessage, SendFlags, Shutdown, SocketAddrUnix, SocketFlags, SocketType,
        accept_with, bind, connect, listen, recvmsg, send, sendmsg, shutdown, socket_with,
        socketpair, sockopt,
    },
    process::geteuid,
};
use screen_wire::Comes;
use serde::{Deserialize, Serialize};
use tokio::io::Interest;

use super::descriptor::Descriptor;

/// No message is longer; what went wrong is one line.
const MESSAGE_BYTES_MAX: usize = 4096;
/// Connections that wait for the holder.
const BACKLOG: i32 = 64;
const STREAMS: usize = 2;

/// What a viewer comes with.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
    /// Output that may be sent and not yet credited.
    pub(crate) window_bytes: usize,
    pub(crate) alive_ms: u64,
    pub(crate) silence_ms: u64,
    pub(crate) comes: Comes,
}

impl Hello {
    pub(crate) fn alive(&self) -> Duration {
        Duration::from_millis(self.alive_ms)
    }

    pub(crate) fn silence_max(&self) -> Duration {
        Duration::from_millis(self.silence_ms)
    }
}

/// What the holder says of a viewer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Word {
    /// It is shown the terminal from now on.
    Accepted,
    /// It is over, as it should be.
    Ended(Holder),
    /// It is over, for this reason.
    Failed(String),
}

/// What becomes of the holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Holder {
    Stays,
    /// Nothing of its terminal is left.
    Ends,
}

/// The standard streams of an attach.
pub(crate) struct Streams {
    pub(crate) stdin: OwnedFd,
    pub(crate) stdout: OwnedFd,
}

fn socket() -> rustix::io::Result<OwnedFd> {
    socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)
}

/// Both ends of a connection to a holder that nobody else can find.
pub(crate) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let (ours, theirs) =
        socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
    Ok((ours, theirs))
}

/// Where a holder is found.
pub(crate) fn listener(address: &SocketAddrUnix) -> io::Result<OwnedFd> {
    let socket = socket()?;
    bind(&socket, address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// Comes to the holder, if there is one.
pub(crate) fn call(address: &SocketAddrUnix) -> io::Result<OwnedFd> {
    let socket = socket()?;
    connect(&socket, address)?;
    Ok(socket)
}

/// An open connection, at either end.
pub(crate) struct Control(Descriptor);

impl Control {
    pub(crate) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self(Descriptor::new(socket, Interest::READABLE)?))
    }

    /// Says what the viewer comes with, and hands its streams over.
    pub(crate) fn hand_over(&self, hello: &Hello, streams: [BorrowedFd<'_>; 2]) -> io::Result<()> {
        let message = serde_json::to_vec(hello)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !ancillary.push(SendAncillaryMessage::ScmRights(&streams)) {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        sendmsg(&self.0, &[IoSlice::new(&message)], &mut ancillary, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Waits for what a viewer comes with; an error is a connection that says something else.
    pub(crate) fn poll_hello(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Hello, Streams)>> {
        let (message, mut fds) = ready!(self.poll_message(cx))?;
        let hello = serde_json::from_slice(&message)?;
        let streams = match (fds.pop(), fds.pop()) {
            (Some(stdout), Some(stdin)) => Streams { stdin, stdout },
            _ => return Poll::Ready(Err(io::ErrorKind::InvalidData.into())),
        };
        Poll::Ready(Ok((hello, streams)))
    }

    /// Tells the attach. One that has gone does not hear it.
    pub(crate) fn say(&self, word: &Word) {
        if let Ok(message) = serde_json::to_vec(word) {
            let _ = send(&self.0, &message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
        }
    }

    /// Waits for the holder's next word; `None` when it has gone.
    pub(crate) async fn word(&self) -> Option<Word> {
        let message = std::future::poll_fn(|cx| self.poll_message(cx)).await;
        let (message, _) = message.ok().filter(|(message, _)| !message.is_empty())?;
        serde_json::from_slice(&message).ok()
    }

    /// Tells the holder that the viewer is cut.
    pub(crate) fn cut(&self) {
        let _ = shutdown(self.0.as_fd(), Shutdown::Write);
    }

    /// Waits until the attach has gone.
    pub(crate) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        // After its first words it has nothing more to say.
        self.poll_message(cx).map(drop)
    }

    fn poll_message(&self, cx: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, Vec<OwnedFd>)>> {
        self.0.poll_readable(cx, |socket| {
            let mut bytes = vec![0; MESSAGE_BYTES_MAX];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(STREAMS))];
            let mut ancillary = RecvAncillaryBuffer::new(&mut space);
            let into = &mut [IoSliceMut::new(&mut bytes)];
            let received = recvmsg(socket, into, &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
            let fds = ancillary.drain().flat_map(|message| match message {
                RecvAncillaryMessage::ScmRights(fds) => fds.collect::<Vec<_>>(),
                _ => vec![],
            });
            let fds = fds.collect();
            bytes.truncate(received.bytes);
            Ok((bytes, fds))
        })
    }
}

/// The holder's end of the socket.
pub(crate) struct Door(Descriptor);

impl Door {
    pub(crate) fn new(listener: OwnedFd) -> io::Result<Self> {
        Ok(Self(Descriptor::new(listener, Interest::READABLE)?))
    }

    /// Waits for the next of the holder's own user; others are turned away.
    pub(crate) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Control>> {
        loop {
            let accept = |fd: &OwnedFd| Ok(accept_with(fd, SocketFlags::CLOEXEC)?);
            let socket = ready!(self.0.poll_readable(cx, accept))?;
            if sockopt::socket_peercred(&socket)?.uid == geteuid() {
                return Poll::Ready(Control::new(socket));
            }
        }
    }
}
