//! The certificates of a folder, as they are now: Kubernetes renews them in place. It polls, as
//! a folder of a Secret is swapped by a symbolic link that not every watch notices.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConfig, ServerConfig};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use super::{
    TlsError,
    ends::Ends,
    identity::{Configs, Files, Identity, Public},
};
use crate::{Daemon, error::chain};

/// How often the files are compared with what is in use.
pub const RELOAD_INTERVAL: Duration = Duration::from_secs(10);

/// Those by which our own processes know each other: `tls.crt`, `tls.key` and `ca.crt`.
pub type Certificates = Followed<Configs>;

/// The one that is shown to visitors: `tls.crt` and `tls.key`, as in a Secret of the type `kubernetes.io/tls`.
pub type PublicCertificate = Followed<Public>;

/// What is made of the newest usable files of a folder. A clone shows the same.
#[derive(Clone, Debug)]
pub struct Followed<I>(watch::Receiver<I>);

impl<I: Identity> Followed<I> {
    /// Reads the files in `folder`, PEM each, and follows their changes until the daemon's shutdown.
    pub async fn follow(folder: &Path, daemon: &Daemon) -> Result<Self, TlsError> {
        let (certificates, reload) = Self::load(folder).await?;
        daemon.tasks.spawn(reload.run(RELOAD_INTERVAL, daemon.shutdown.clone()));
        Ok(certificates)
    }

    /// Reads the files, and leaves it to the caller to run what follows their changes.
    pub async fn load(folder: &Path) -> Result<(Self, Reload<I>), TlsError> {
        let files = Files::read(folder, I::HAS_AUTHORITY).await?;
        let (newest, configs) = watch::channel(I::of(&files, folder)?);
        let reload = Reload { folder: folder.to_owned(), seen: Seen::Files(files), newest };
        Ok((Self(configs), reload))
    }

    /// Tells of each change.
    pub fn subscribe(&self) -> watch::Receiver<I> {
        self.0.clone()
    }
}

impl PublicCertificate {
    /// For the next connection to accept.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.borrow().0)
    }
}

impl Certificates {
    /// For the next connection to accept.
    pub fn server(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.0.borrow().server)
    }

    /// For the next connection to make.
    pub fn client(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.0.borrow().client)
    }

    pub(super) fn ends(&self) -> Ends {
        self.0.borrow().ends
    }
}

/// Takes over what changes in a folder. A set that cannot be used, such as one that is half
/// written, changes nothing and is logged once.
pub struct Reload<I = Configs> {
    folder: PathBuf,
    seen: Seen,
    newest: watch::Sender<I>,
}

/// What the folder held when it was last read, usable or not.
#[derive(PartialEq)]
enum Seen {
    Files(Files),
    Unreadable(String),
}

/// What one reading of the folder came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Unchanged,
    Reloaded,
    /// The files cannot be used, so the former ones are.
    Kept,
}

impl<I: Identity> Reload<I> {
    /// Reads the folder each `period`, until `shutdown`.
    pub async fn run(mut self, period: Duration, shutdown: CancellationToken) {
        let mut ticks = interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let follow = async {
            loop {
                ticks.tick().await;
                self.check().await;
            }
        };
        shutdown.run_until_cancelled(follow).await;
    }

    pub(super) async fn check(&mut self) -> Outcome {
        let (seen, configs) = match Files::read(&self.folder, I::HAS_AUTHORITY).await {
            Ok(files) => {
                let configs = I::of(&files, &self.folder);
                (Seen::Files(files), configs)
            }
            Err(error) => (Seen::Unreadable(chain(&error)), Err(error)),
        };
        if seen == self.seen {
            return Outcome::Unchanged;
        }
        self.seen = seen;
        self.apply(configs)
    }

    fn apply(&self, configs: Result<I, TlsError>) -> Outcome {
        let folder = self.folder.display();
        match configs {
            Ok(configs) => {
                self.newest.send_replace(configs);
                tracing::info!(%folder, "certificates reloaded");
                Outcome::Reloaded
            }
            Err(error) => {
                tracing::warn!(%folder, error = chain(&error), "the former certificates stay");
                Outcome::Kept
            }
        }
    }
}

#[cfg(test)]
mod tests;
