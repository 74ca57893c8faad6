//! The process that holds a terminal: what it takes over from the attach that started it, and what it must not keep of
//! that. It outlives its viewers.

use std::{
    env,
    ffi::OsString,
    fs::File,
    future::poll_fn,
    io,
    os::fd::{AsFd, OwnedFd},
    time::Duration,
};

use ring::rand::{self, SystemRandom};
use rustix::process::setsid;
use tokio::time::timeout;

use super::{
    error::ScreenError,
    folder::Place,
    handover::Door,
    holder::{Arriving, Holder, Terms},
    pty::Pty,
    session::Session,
    stop::Stop,
};

/// How long the viewer may take for whose sake it was started.
const FIRST_VIEWER_MAX: Duration = Duration::from_secs(10);

/// Runs `program` on a terminal, from the first viewer's arrival until there is nothing more to hold.
pub(crate) async fn serve(
    program: &[OsString],
    place: Option<Place>,
    idle: Duration,
) -> Result<(), ScreenError> {
    // The program is where the attach was; the process itself keeps no folder from being taken away.
    let programs_folder = env::current_dir().unwrap_or_else(|_| "/".into());
    let socket = detach().map_err(ScreenError::Holder)?;
    let (mut arriving, door) = match place {
        // Nobody else can come, so nobody is waited for.
        None => (Arriving::with(socket).map_err(ScreenError::Holder)?, None),
        Some(_) => (Arriving::default(), Some(Door::new(socket).map_err(ScreenError::Holder)?)),
    };
    let terminal = number().map_err(ScreenError::Holder)?;
    let idle = if place.is_some() { idle } else { Duration::ZERO };
    let stop = Stop::listen().map_err(ScreenError::Runtime)?;
    let first = timeout(FIRST_VIEWER_MAX, poll_fn(|cx| arriving.poll_arrival(cx, door.as_ref())));
    let Ok(first) = first.await else {
        return Ok(());
    };
    let started = Pty::open(first.size).map_err(ScreenError::Pty).and_then(|(pty, terminal)| {
        let session = Session::start(program, &programs_folder, terminal);
        Ok((pty, session.map_err(ScreenError::Session)?))
    });
    match started {
        Ok((pty, session)) => {
            let terms = Terms { idle, place, terminal };
            Holder::new(pty, first, arriving, door, stop, terms).run(session).await;
            Ok(())
        }
        Err(error) => {
            first.fail(&error);
            Err(error)
        }
    }
}

/// One that no other terminal has.
fn number() -> io::Result<u64> {
    let bytes = rand::generate::<[u8; 8]>(&SystemRandom::new());
    let bytes = bytes.map_err(|_| io::Error::other("no random numbers"))?;
    Ok(u64::from_be_bytes(bytes.expose()))
}

/// Leaves the session, the folder and the standard streams of who started us, and takes the socket over, which is stdin.
fn detach() -> io::Result<OwnedFd> {
    let socket = io::stdin().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    setsid()?;
    env::set_current_dir("/")?;
    Ok(socket)
}
