//! A session's way to its screen: an exec of its own, or a place on a trunk. The session need not know which.

use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::Instant,
};

use super::{Event, Exec, Over, outgoing::Outgoing, trunk::Seat};

pub(crate) enum Connection<Io> {
    Own(Box<Exec<Io>>),
    Shared(Seat),
}

impl<Io> Connection<Io> {
    /// Whether the session is to ask for signs of life: whoever owns an exec does.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }

    /// Has something said to the screen.
    pub(crate) fn say<T>(&mut self, what: impl FnOnce(&mut Outgoing) -> T) -> T {
        match self {
            Self::Own(exec) => what(&mut exec.outgoing),
            Self::Shared(seat) => seat.say(what),
        }
    }

    /// The viewer has taken so many bytes.
    pub(crate) fn output_credit(&mut self, bytes: u32) {
        match self {
            Self::Own(exec) => exec.outgoing.output_credit(bytes),
            Self::Shared(seat) => seat.output_credit(bytes),
        }
    }

    /// Tells the screen to leave at once. Its frames are dropped from now on.
    pub(crate) fn hang_up(&mut self) {
        match self {
            Self::Own(exec) => exec.hang_up(),
            Self::Shared(seat) => seat.end(Outgoing::hang_up),
        }
    }

    /// Tells the screen to leave once the program has read what was typed, or at a hang-up. Its frames
    /// are dropped from now on.
    pub(crate) fn leave(&mut self) {
        match self {
            Self::Own(exec) => exec.leave(),
            Self::Shared(seat) => seat.end(Outgoing::leave),
        }
    }

    /// Has an older screen leave, which does not know how it is told to. Those of trunks do.
    pub(crate) fn end_input(&mut self) {
        if let Self::Own(exec) = self {
            exec.end_input();
        }
    }

    /// Whether all that was to be said has left this process.
    pub(crate) fn has_said_all(&self) -> bool {
        match self {
            Self::Own(exec) => exec.has_said_all(),
            Self::Shared(seat) => seat.has_said_all(),
        }
    }

    /// When something was last sent that the screen may have heard.
    pub(crate) fn last_written(&self) -> Instant {
        match self {
            Self::Own(exec) => exec.last_written(),
            Self::Shared(seat) => seat.last_written(),
        }
    }

    /// What the command of the session's own exec said at the end.
    pub(crate) fn stderr(&self) -> String {
        match self {
            Self::Own(exec) => exec.stderr(),
            Self::Shared(_) => String::new(),
        }
    }
}

impl<Io: AsyncRead + AsyncWrite + Unpin> Connection<Io> {
    /// Writes what waits, and waits for what the screen says next. Cancel safe.
    pub(crate) async fn next(&mut self) -> Result<Event, Over> {
        match self {
            Self::Own(exec) => exec.next().await,
            Self::Shared(seat) => seat.next().await,
        }
    }

    /// Drops what the screen says until nothing more can come. Cancel safe.
    pub(crate) async fn over(&mut self) -> Over {
        loop {
            if let Err(over) = self.next().await {
                return over;
            }
        }
    }
}
