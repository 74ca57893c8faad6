//! One viewer on a terminal of its own, from its start to an end after which nothing of it is left.
//! Must not touch its bytes.

use std::ffi::OsString;

use super::{
    error::ScreenError,
    pty::Pty,
    relay::{End, Relay, Settings},
    session::Session,
    stop::Stop,
    viewer::{Inlet, Outlet},
};

/// Runs `program` on a new terminal until it ends or the viewer has gone.
pub(crate) async fn attach(program: &[OsString], settings: Settings) -> Result<(), ScreenError> {
    let mut stop = Stop::listen().map_err(ScreenError::Runtime)?;
    let (inlet, outlet) = (Inlet::open()?, Outlet::open()?);
    let (pty, terminal) = Pty::open(settings.size).map_err(ScreenError::Pty)?;
    let mut session = Session::start(program, terminal).map_err(ScreenError::Session)?;

    let mut relay = Relay::new(pty, inlet, outlet, settings);
    let ended = async {
        match relay.run(&mut session).await? {
            End::Program { code } => relay.drain_output(code).await,
            End::ViewerLeft => relay.drain_input(&mut session).await,
            End::ViewerCut => Ok(()),
        }
    };
    let ended = tokio::select! {
        biased;
        () = stop.requested() => Ok(()),
        ended = ended => ended,
    };
    // Hangs the terminal up.
    drop(relay);
    session.end().await;
    ended
}
