//! What remains of a session when its viewer is gone: the exec, until it has ended. Until then the
//! slot is kept, or who comes and goes quickly would have more terminals than the limits allow.

use std::{
    future::pending,
    pin::{Pin, pin},
    time::Duration,
};

use futures::{FutureExt, future::FusedFuture};
use screen_wire::SILENCE_MAX;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, sleep, sleep_until},
};
use tokio_util::sync::CancellationToken;

use crate::{
    closing::{End, Lost, Resumption, Typed},
    exec::{Connection, Over},
};

/// After this the screen's stdin is ended as well: an older one skips the word that its viewer has left.
/// Longer than a screen waits for its program to read what was typed.
const LEAVE_GRACE: Duration = Duration::from_millis(1500);
/// How long the process waits for execs to end when it ends itself. Their screens leave anyway.
const DRAIN_GRACE: Duration = Duration::from_secs(1);

/// Waits until the exec is seen to have ended, or its screen must have left: it gives up on a viewer
/// of which it hears nothing for [`SILENCE_MAX`].
pub(super) async fn leave<Io>(
    mut connection: Connection<Io>,
    end: End,
    resumption: Resumption,
    mut cut: Pin<&mut impl FusedFuture<Output = End>>,
    shutdown: &CancellationToken,
) where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    log_stderr(&connection, end);
    let mut state = match end {
        // The cluster told that the command had ended.
        End::Lost(Lost::Ended | Lost::NotStarted | Lost::ContainerGone) => return,
        End::Lost(Lost::Broken) => State::Unheard,
        _ => State::Ending,
    };
    let mut given_up = pin!(sleep_until(match state {
        State::Unheard => connection.last_written() + SILENCE_MAX,
        State::Ending => Instant::now() + SILENCE_MAX,
    }));
    let mut late = pin!(drain_grace_over(shutdown));
    let mut stdin_end = pin!(sleep(LEAVE_GRACE).fuse());
    loop {
        tokio::select! {
            biased;
            () = &mut late => return,
            () = &mut given_up => return,
            end = &mut cut => match end.typed(resumption) {
                Typed::Deliver => {}
                Typed::Drop => connection.hang_up(),
            },
            () = &mut stdin_end => connection.end_input(),
            over = over(&mut connection, state) => match over {
                Over::Ended(_) | Over::UnknownArguments => return,
                Over::Broken if connection.has_said_all() => return,
                Over::Broken | Over::Silent | Over::Protocol => state = State::Unheard,
            },
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// The screen was told, and the exec will end.
    Ending,
    /// The socket is gone, and the screen may not know.
    Unheard,
}

async fn over<Io>(connection: &mut Connection<Io>, state: State) -> Over
where
    Io: AsyncRead + AsyncWrite + Unpin,
{
    match state {
        State::Ending => connection.over().await,
        State::Unheard => pending().await,
    }
}

async fn drain_grace_over(shutdown: &CancellationToken) {
    shutdown.cancelled().await;
    sleep(DRAIN_GRACE).await;
}

fn log_stderr<Io>(connection: &Connection<Io>, end: End) {
    let stderr = connection.stderr();
    if !stderr.is_empty() {
        tracing::debug!(reason = end.category(), %stderr, "the exec ended");
    }
}
