//! The pod's side of a terminal: one exec of the screen's attach program, from its opening to its end.
//! Who looks at it, and for how long, is not its business.

use std::{sync::Arc, time::Duration};

use api_types::{LinkName, Target};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::Client;
use screen_wire::{Comes, Joined};
use tokio::time::timeout;

use crate::{
    closing::Lost,
    viewer::{Encoding, Size},
};

mod channels;
mod command;
mod connection;
mod event;
#[cfg(test)]
pub(crate) mod fake;
mod frames;
mod life;
mod outgoing;
mod socket;
mod trunk;
mod unframer;
mod websocket;

use channels::Protocol;
pub(crate) use connection::Connection;
pub(crate) use event::{Event, Over};
use frames::Frames;
pub(crate) use life::{Due, LifeSigns};
pub(crate) use outgoing::{Outgoing, TypedSoFar};
pub(crate) use socket::Exec;
use trunk::NoSeat;
pub(crate) use trunk::Trunks;
#[cfg(any(test, fuzzing))]
pub(crate) use trunk::fuzzing;

/// An exec as the API server's client yields it.
pub(crate) type Upgrade = TokioIo<Upgraded>;

/// How long the API server and the kubelet may take to start the command, and that to answer who joins.
const OPEN_DEADLINE: Duration = Duration::from_secs(15);

/// Which terminal is shown, and how.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    pub(crate) size: Size,
    /// Output that may be sent and not yet credited.
    pub(crate) window_bytes: usize,
    pub(crate) encoding: Encoding,
    /// Without this, the viewer has a terminal of its own.
    pub(crate) shared: Option<Shared>,
}

/// The terminal that all viewers of a link see.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// `None` is the default link.
    pub(crate) link: Option<LinkName>,
    /// How long it goes on without viewers.
    pub(crate) idle: Duration,
    /// One viewer, unless it is a trunk.
    pub(crate) comes: Comes,
}

/// What was opened.
pub(crate) struct Opened<Io> {
    pub(crate) connection: Connection<Io>,
    /// The answer to a viewer that may come again, if the screen has one.
    pub(crate) joined: Option<Joined>,
}

/// Why an exec did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    #[error("the exec was refused")]
    Refused(#[from] kube::Error),
    #[error("the exec request cannot be built")]
    Request(#[source] kube::core::request::Error),
    /// The exec of a trunk, for all who waited for it.
    #[error(transparent)]
    Trunk(Arc<Self>),
    /// It is answered before the viewer is told of an open terminal, whose screen it would clear.
    #[error("the screen did not let the viewer join")]
    NotJoined(#[source] Lost),
    /// The command may have started all the same.
    #[error("the exec did not open within {OPEN_DEADLINE:?}")]
    Late,
}

impl ExecError {
    /// A stable word for logs and metrics.
    pub(crate) fn category(&self) -> &'static str {
        match self {
            Self::Refused(_) => "exec_refused",
            Self::Request(_) => "exec_request",
            Self::NotJoined(_) => "exec_ended",
            Self::Late => "exec_late",
            Self::Trunk(error) => error.category(),
        }
    }

    /// Whether there may be a screen all the same.
    pub(crate) fn may_have_started(&self) -> bool {
        match self {
            Self::Late | Self::NotJoined(Lost::Broken | Lost::Silent | Lost::Protocol) => true,
            Self::Trunk(error) => error.may_have_started(),
            _ => false,
        }
    }
}

/// Shows the viewer the terminal by the target's server container. Where the viewer joins a terminal, that one has let
/// it. A pod of an older release knows no trunks, or none that is shared: the viewer gets an exec of its own there, or a terminal.
pub(crate) async fn open(
    client: &Client,
    trunks: &Trunks,
    target: &Target,
    screen: &Screen,
) -> Result<Opened<Upgrade>, ExecError> {
    match trunks.enter(target, screen).await {
        Ok((seat, joined)) => {
            return Ok(Opened { connection: Connection::Shared(seat), joined: Some(joined) });
        }
        Err(NoSeat::Failed(error)) => return Err(error),
        Err(NoSeat::Unsuited | NoSeat::Unknown) => {}
    }
    timeout(OPEN_DEADLINE, open_own(client, target, screen)).await.map_err(|_| ExecError::Late)?
}

async fn open_own(
    client: &Client,
    target: &Target,
    screen: &Screen,
) -> Result<Opened<Upgrade>, ExecError> {
    let mut exec = start(client, target, screen).await?;
    let comes = screen.shared.as_ref().map(|shared| shared.comes);
    let joined = match comes {
        None => return Ok(Opened { connection: Connection::Own(Box::new(exec)), joined: None }),
        Some(Comes::Alone(Some(_))) => exec.joined().await.map(Some),
        Some(_) => exec.heard().await.map(|()| None),
    };
    match joined {
        Ok(joined) => Ok(Opened { connection: Connection::Own(Box::new(exec)), joined }),
        Err(Over::UnknownArguments) => {
            let Target { namespace, pod, .. } = target;
            tracing::info!(%namespace, %pod, "the pod is of a release without shared terminals");
            let screen = Screen { shared: None, ..screen.clone() };
            let exec = start(client, target, &screen).await?;
            Ok(Opened { connection: Connection::Own(Box::new(exec)), joined: None })
        }
        Err(over) => {
            let (lost, stderr) = (over.into(), exec.stderr());
            tracing::debug!(reason = %lost, %stderr, "the screen did not let a viewer join");
            Err(ExecError::NotJoined(lost))
        }
    }
}

async fn start(
    client: &Client,
    target: &Target,
    screen: &Screen,
) -> Result<Exec<Upgrade>, ExecError> {
    let mut exec = Exec::new(connect(client, target, screen).await?);
    if screen.encoding == Encoding::Lz4 {
        exec.accept_compressed();
    }
    Ok(exec)
}

/// Starts the screen's attach program.
async fn connect(
    client: &Client,
    target: &Target,
    screen: &Screen,
) -> Result<Frames<Upgrade>, ExecError> {
    let request = command::request(target, screen).map_err(ExecError::Request)?;
    let connection = client.connect(request).await?;
    let protocol = if connection.supports_stream_close() { Protocol::V5 } else { Protocol::V4 };
    // Nothing has been read yet, so the bare connection is all there is.
    Ok(Frames::new(connection.into_stream().into_inner(), protocol))
}
