//! Opens the terminal in the agent's pod, wherever that is now.

use std::time::Duration;

use api_types::{Agent, LinkName, names};
use screen_wire::{Attach, Comes, Frame, Join, Joined, OUTPUT_WINDOW_BYTES, SharedTerminal};
use tokio::time::timeout;

use super::{
    exec::{Exec, Lost},
    place::{Absent, Lasts, absent, check_link},
    session::Size,
};
use crate::{cluster::Cluster, exit::Failure};

/// How long the API server and the kubelet may take to start the command, and that to answer who joins.
const OPEN_DEADLINE: Duration = Duration::from_secs(15);

/// Which terminal it is.
pub(super) struct Terminal<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) agent: &'a str,
    /// `None` is the default link.
    pub(super) link: Option<&'a LinkName>,
}

/// Why it did not open.
#[derive(Debug)]
pub(super) enum Unopened {
    /// It may in a moment.
    Passing(anyhow::Error),
    Lasting(anyhow::Error),
}

impl Unopened {
    /// For one who does not try again.
    pub(super) fn into_error(self) -> anyhow::Error {
        match self {
            Self::Passing(error) | Self::Lasting(error) => error,
        }
    }
}

/// A refusal of the API server lasts, and so does what it does not know; anything else passes.
impl From<anyhow::Error> for Unopened {
    fn from(error: anyhow::Error) -> Self {
        match error.downcast_ref::<Failure>() {
            Some(Failure::Forbidden(_) | Failure::NotFound(_) | Failure::Usage(_)) => {
                Self::Lasting(error)
            }
            Some(Failure::TimedOut(_)) | None => Self::Passing(error),
        }
    }
}

impl From<Lost> for Unopened {
    fn from(lost: Lost) -> Self {
        let lasts = matches!(lost, Lost::UnknownArguments);
        let error = anyhow::Error::new(lost).context("the terminal did not open");
        if lasts { Self::Lasting(error) } else { Self::Passing(error) }
    }
}

impl From<Absent> for Unopened {
    fn from(Absent { sentence, lasts }: Absent) -> Self {
        let error = Failure::NotFound(sentence).into();
        match lasts {
            Lasts::Yes => Self::Lasting(error),
            Lasts::Perhaps => Self::Passing(error),
        }
    }
}

impl Terminal<'_> {
    /// A connection to the screen, which has let the viewer join.
    pub(super) async fn open(&self, join: Join, size: Size) -> Result<(Exec, Joined), Unopened> {
        timeout(OPEN_DEADLINE, Box::pin(self.try_open(join, size))).await.unwrap_or_else(|_| {
            let after = humantime::format_duration(OPEN_DEADLINE);
            let late = Failure::TimedOut(format!("the terminal did not open within {after}"));
            Err(Unopened::Passing(late.into()))
        })
    }

    async fn try_open(&self, join: Join, size: Size) -> Result<(Exec, Joined), Unopened> {
        let Self { cluster, agent, link } = self;
        let stored = cluster.get::<Agent>(agent).await?;
        check_link(&stored.object, *link, &cluster.namespace).map_err(anyhow::Error::from)?;
        let target = cluster.target(&stored.object).await?;
        let target = target.map_err(|cause| absent(&stored, &cluster.namespace, cause))?;

        let name = names::link_terminal(*link);
        let shared = SharedTerminal { name, idle: None, comes: Comes::Alone(Some(join)) };
        let attach = Attach {
            port: target.port,
            columns: size.columns,
            rows: size.rows,
            window_bytes: OUTPUT_WINDOW_BYTES,
            shared: Some(shared),
        };
        let mut command = vec![names::AGENT_TOOLS_BINARY.to_owned()];
        command.extend(attach.arguments().map_err(anyhow::Error::from)?);
        let process = cluster.exec(&target.pod, command).await?;
        let mut exec = Exec::new(process).ok_or(Lost::Broken)?;
        exec.say(Frame::Compress)?;
        loop {
            match exec.next().await? {
                Some(Frame::Joined(joined)) => return Ok((exec, joined)),
                Some(Frame::Alive) | None => {}
                Some(_) => return Err(Lost::OutOfTurn.into()),
            }
        }
    }
}
