//! The pod's side of a terminal: one exec of the screen's attach program, from its opening to its end.
//! Who looks at it, and for how long, is not its business.

use std::time::Duration;

use api_types::{LinkName, Target};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use kube::Client;
use screen_wire::{Join, Joined};
use tokio::time::timeout;

use crate::{
    closing::Lost,
    viewer::{Encoding, Size},
};

mod channels;
mod command;
mod event;
#[cfg(test)]
pub(crate) mod fake;
mod outgoing;
mod socket;
mod unframer;
mod websocket;

use channels::Protocol;
pub(crate) use event::{Event, Over};
pub(crate) use outgoing::TypedSoFar;
pub(crate) use socket::Exec;

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
    /// Of a viewer that may come again.
    pub(crate) join: Option<Join>,
}

/// What was opened.
pub(crate) struct Opened<Io> {
    pub(crate) exec: Exec<Io>,
    /// The answer to [`Shared::join`], if the screen has one.
    pub(crate) joined: Option<Joined>,
}

/// Why an exec did not open.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    #[error("the exec was refused")]
    Refused(#[from] kube::Error),
    #[error("the exec request cannot be built")]
    Request(#[source] kube::core::request::Error),
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
        }
    }

    /// Whether there may be a screen all the same.
    pub(crate) fn may_have_started(&self) -> bool {
        matches!(self, Self::Late | Self::NotJoined(Lost::Broken | Lost::Protocol))
    }
}

/// Starts the screen's attach program in the target's server container. Where the viewer joins a terminal,
/// that one has let it.
pub(crate) async fn open(
    client: &Client,
    target: &Target,
    screen: &Screen,
) -> Result<Opened<Upgrade>, ExecError> {
    timeout(OPEN_DEADLINE, open_any(client, target, screen)).await.map_err(|_| ExecError::Late)?
}

/// A pod of release 0.1.0 has no terminal that is shared: the viewer gets one of its own there.
async fn open_any(
    client: &Client,
    target: &Target,
    screen: &Screen,
) -> Result<Opened<Upgrade>, ExecError> {
    let mut exec = start(client, target, screen).await?;
    let Some(shared) = &screen.shared else { return Ok(Opened { exec, joined: None }) };
    let joined = match shared.join {
        Some(_) => exec.joined().await.map(Some),
        None => exec.heard().await.map(|()| None),
    };
    match joined {
        Ok(joined) => Ok(Opened { exec, joined }),
        Err(Over::UnknownArguments) => {
            let Target { namespace, pod, .. } = target;
            tracing::info!(%namespace, %pod, "the pod is of a release without shared terminals");
            let screen = Screen { shared: None, ..screen.clone() };
            Ok(Opened { exec: start(client, target, &screen).await?, joined: None })
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
    let request = command::request(target, screen).map_err(ExecError::Request)?;
    let connection = client.connect(request).await?;
    let protocol = if connection.supports_stream_close() { Protocol::V5 } else { Protocol::V4 };
    // Nothing has been read yet, so the bare connection is all there is.
    let mut exec = Exec::new(connection.into_stream().into_inner(), protocol);
    if screen.encoding == Encoding::Lz4 {
        exec.accept_compressed();
    }
    Ok(exec)
}
