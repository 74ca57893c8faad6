//! The signals that end a process: the first asks, the second insists.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::DaemonError;

/// The status of a process that was told twice to stop (128 + SIGINT, as shells count).
const INSISTED_EXIT_CODE: i32 = 130;

/// SIGTERM and SIGINT, caught from the moment this exists.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(crate) fn install() -> Result<Self, DaemonError> {
        let catch = |kind| signal(kind).map_err(DaemonError::Signals);
        Ok(Self {
            terminate: catch(SignalKind::terminate())?,
            interrupt: catch(SignalKind::interrupt())?,
        })
    }

    /// Cancels `shutdown` at the first signal and ends the process at the second.
    pub(crate) async fn watch(mut self, shutdown: CancellationToken) {
        let signal = self.next().await;
        tracing::info!(signal, "shutting down");
        shutdown.cancel();

        let signal = self.next().await;
        tracing::warn!(signal, "told again to stop: not waiting for open work");
        std::process::exit(INSISTED_EXIT_CODE);
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tokio_util::task::TaskTracker;

    use super::*;

    #[tokio::test]
    async fn sigterm_asks_for_a_shutdown() {
        let (shutdown, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(Signals::install().unwrap().watch(shutdown.clone()));

        let this = std::process::id().to_string();
        assert!(Command::new("kill").args(["-TERM", &this]).status().unwrap().success());
        shutdown.cancelled().await;
    }
}
