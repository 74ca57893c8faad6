//! One viewer's way to the holder of its terminal, which it starts if there is none. It hands its standard streams over
//! and waits; none of the terminal's bytes passes through it.

use std::{
    ffi::OsString,
    io::{self, stdin, stdout},
    os::fd::{AsFd, OwnedFd},
    process::Stdio,
    time::Duration,
};

use rustix::{io::Errno, net::SocketAddrUnix};
use tokio::{
    process::{Child, Command},
    time::timeout,
};

use super::{
    error::ScreenError,
    folder::Place,
    handover::{self, Control, Hello, Holder, Word},
    stop::Stop,
};

/// A holder may be about to end when a viewer comes: then another one is started.
const ATTEMPTS: usize = 5;
/// How long a holder may take to end a program that does not leave by itself: two graces of two seconds, and more.
const END_GRACE: Duration = Duration::from_secs(6);
/// How long the holder's process may take to end when it has said that it does.
const EXIT_GRACE: Duration = Duration::from_secs(1);

/// What to attach to.
pub(crate) struct Terminal {
    /// Nowhere: it is this viewer's own.
    pub(crate) place: Option<Place>,
    /// The arguments that its holder is started with.
    pub(crate) serve: Vec<OsString>,
}

/// Shows the terminal to the viewer at the standard streams until either has gone.
pub(crate) async fn attach(terminal: &Terminal, hello: Hello) -> Result<(), ScreenError> {
    let mut stop = Stop::listen().map_err(ScreenError::Runtime)?;
    for _ in 0..ATTEMPTS {
        let (socket, mut child) = terminal.call_or_start().map_err(ScreenError::Holder)?;
        let control = Control::new(socket).map_err(ScreenError::Holder)?;
        if control.hand_over(&hello, [stdin().as_fd(), stdout().as_fd()]).is_err() {
            // It left in this moment.
            continue;
        }
        let outcome = wait(&control, &mut stop).await;
        if let (Some(child), true) = (&mut child, outcome.holder_ends) {
            // Whoever started it is the last that can: the container's first process may reap nothing.
            let _ = timeout(EXIT_GRACE, child.wait()).await;
        }
        if let Some(ended) = outcome.ended {
            return ended;
        }
    }
    Err(ScreenError::NoHolder)
}

/// How one attempt went.
struct Outcome {
    /// Unless the holder left before it had heard of us.
    ended: Option<Result<(), ScreenError>>,
    holder_ends: bool,
}

async fn wait(control: &Control, stop: &mut Stop) -> Outcome {
    let (mut accepted, mut stopped) = (false, false);
    loop {
        let word = tokio::select! {
            biased;
            () = stop.requested(), if !stopped => {
                control.cut();
                stopped = true;
                continue;
            }
            word = control.word(), if !stopped => word,
            // What it says is of no consequence any more, only that it has done what there was to do.
            word = timeout(END_GRACE, control.word()), if stopped => word.unwrap_or(None),
        };
        let (ended, holder_ends) = match word {
            Some(Word::Accepted) => {
                accepted = true;
                continue;
            }
            Some(Word::Ended(holder)) => (Some(Ok(())), holder == Holder::Ends),
            Some(Word::Failed(message)) => (Some(Err(ScreenError::Shown(message))), false),
            None if stopped => (Some(Ok(())), true),
            None => (accepted.then_some(Err(ScreenError::HolderDied)), true),
        };
        return Outcome { ended, holder_ends };
    }
}

impl Terminal {
    /// A connection to the holder, and the holder itself if it is ours.
    fn call_or_start(&self) -> io::Result<(OwnedFd, Option<Child>)> {
        let Some(Place { folder, name }) = &self.place else {
            let (ours, theirs) = handover::pair()?;
            return Ok((ours, Some(self.start(theirs)?)));
        };
        let address = folder.address(name)?;
        if let Some(socket) = try_call(&address)? {
            return Ok((socket, None));
        }
        let lock = folder.lock(name)?;
        // Another one may have had the lock before.
        if let Some(socket) = try_call(&address)? {
            return Ok((socket, None));
        }
        folder.remove(name, &lock)?;
        // It listens already, so that nobody has to wait for the holder.
        let child = self.start(handover::listener(&address)?)?;
        Ok((handover::call(&address)?, Some(child)))
    }

    fn start(&self, stdin: OwnedFd) -> io::Result<Child> {
        Command::new("/proc/self/exe")
            .args(&self.serve)
            .stdin(Stdio::from(stdin))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
    }
}

/// `None` without a holder: there is no socket, or one that a holder left behind.
fn try_call(address: &SocketAddrUnix) -> io::Result<Option<OwnedFd>> {
    match handover::call(address) {
        Ok(socket) => Ok(Some(socket)),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NOENT | Errno::CONNREFUSED) => Ok(None),
            _ => Err(error),
        },
    }
}
