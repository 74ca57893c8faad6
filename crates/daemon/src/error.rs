//! Every way a process can fail to start or to end.

use std::{error::Error, io, net::SocketAddr, time::Duration};

/// Why a process stopped with a failure.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error("the log level is not a valid filter")]
    LogLevel(#[source] tracing_subscriber::filter::ParseError),
    #[error("logs were set up twice")]
    LogsTwice(#[source] tracing_subscriber::util::TryInitError),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot receive signals")]
    Signals(#[source] io::Error),
    /// A task ended that the process is useless without.
    #[error("the task \"{0}\" ended although nobody asked it to")]
    TaskEnded(&'static str),
    #[error("the work of the process was not finished {0:?} after it was asked to stop")]
    ShutdownTimedOut(Duration),
    /// What the process's own code failed with.
    #[error(transparent)]
    Serve(Box<dyn Error + Send + Sync>),
}

impl DaemonError {
    /// A stable word for metrics and alerts.
    pub fn category(&self) -> &'static str {
        match self {
            Self::LogLevel(_) | Self::LogsTwice(_) => "logs",
            Self::Listen { .. } => "listen",
            Self::Signals(_) => "signals",
            Self::TaskEnded(_) => "task_ended",
            Self::ShutdownTimedOut(_) => "shutdown_timed_out",
            Self::Serve(_) => "serve",
        }
    }
}
