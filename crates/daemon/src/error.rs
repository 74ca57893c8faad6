//! Every way a process can fail to start or to end.

use std::{error::Error, io, iter, net::SocketAddr, time::Duration};

use crate::traces::TracesError;

/// Why a process stopped with a failure.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    #[error("the log level is not a valid filter")]
    LogLevel(#[source] tracing_subscriber::filter::ParseError),
    #[error("logs were set up twice")]
    LogsTwice(#[source] tracing_subscriber::util::TryInitError),
    #[error("cannot trace")]
    Traces(#[from] TracesError),
    #[error("cannot start the runtime")]
    Runtime(#[source] io::Error),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("cannot receive signals")]
    Signals(#[source] io::Error),
    /// A task ended that the process cannot do without.
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
            Self::Traces(_) => "traces",
            Self::Runtime(_) => "runtime",
            Self::Listen { .. } => "listen",
            Self::Signals(_) => "signals",
            Self::TaskEnded(_) => "task_ended",
            Self::ShutdownTimedOut(_) => "shutdown_timed_out",
            Self::Serve(_) => "serve",
        }
    }

    /// Whether a log line says so already: all but what keeps the log from being there.
    pub(crate) fn is_logged(&self) -> bool {
        let before_the_log = matches!(
            self,
            Self::LogLevel(_) | Self::LogsTwice(_) | Self::Traces(_) | Self::Runtime(_)
        );
        !before_the_log
    }
}

/// An error with what it was caused by, outermost first.
pub fn chain(error: &dyn Error) -> String {
    let causes = iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_names_the_cause() {
        let address = "127.0.0.1:80".parse().unwrap();
        let error = DaemonError::Listen { address, source: io::Error::other("no permission") };
        assert_eq!(chain(&error), "cannot listen on 127.0.0.1:80: no permission");
    }
}
