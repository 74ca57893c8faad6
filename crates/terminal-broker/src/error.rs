//! Every way the broker can fail to start or to serve. What callers are told is in `closing`.

use std::{io, path::PathBuf};

/// Why the broker stopped with a failure.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("no cluster is configured")]
    Config(#[source] kube::config::InferConfigError),
    #[error("the client of the cluster cannot be built")]
    Client(#[source] kube::Error),
    #[error("the certificates in {folder} cannot be read")]
    Certificates { folder: PathBuf, source: io::Error },
    #[error("the certificates cannot be used")]
    Tls(#[source] tonic::transport::Error),
    #[error("an allowed client is not a DNS name")]
    AllowedClients,
    #[error("the contract cannot be reflected")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("serving failed")]
    Serve(#[source] tonic::transport::Error),
    #[error(transparent)]
    Daemon(#[from] daemon::DaemonError),
}

impl BrokerError {
    /// A stable word for metrics and alerts.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Config(_) => "config",
            Self::Client(_) => "client",
            Self::Certificates { .. } | Self::Tls(_) => "certificates",
            Self::AllowedClients => "allowed_clients",
            Self::Reflection(_) => "reflection",
            Self::Serve(_) => "serve",
            Self::Daemon(error) => error.category(),
        }
    }
}
