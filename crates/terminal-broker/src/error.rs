//! Every way the broker can fail to start or to serve. What callers are told is in `closing`.

/// Why the broker stopped with a failure.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    #[error("cannot find the cluster's configuration")]
    Config(#[source] kube::config::InferConfigError),
    #[error("cannot build a client of the cluster")]
    Client(#[source] kube::Error),
    #[error(transparent)]
    Certificates(#[from] daemon::tls::TlsError),
    #[error("an allowed client, operator or controller is not a DNS name")]
    AllowedNames,
    #[error("cannot reflect the contract")]
    Reflection(#[source] tonic_reflection::server::Error),
    #[error("cannot serve")]
    Serve(#[source] tonic::transport::Error),
    #[error(transparent)]
    Daemon(#[from] daemon::DaemonError),
}
