//! Every way in which talking to the cluster can fail. A user's mistake is not
//! among them: that becomes a condition.

use std::time::Duration;

use crate::refusal::Refusal;

/// Why a reconcile, the lease or the start failed.
#[derive(Debug, thiserror::Error)]
pub enum ControllerError {
    /// One request failed.
    #[error("cannot {action} {kind} {name}: {}", response(source))]
    Request {
        action: &'static str,
        kind: String,
        name: String,
        #[source]
        source: Box<kube::Error>,
    },
    #[error("reconcile timed out after {}s", .0.as_secs())]
    TimedOut(Duration),
    /// A watch's cache was dropped: the process is ending.
    #[error("the watches have ended")]
    WatchesEnded,
    #[error("cannot read system randomness")]
    Random,
    /// An object of ours has no JSON form: a defect.
    #[error("cannot write {kind} as JSON")]
    Json {
        kind: String,
        #[source]
        source: serde_json::Error,
    },
    #[error("cannot connect to the cluster")]
    Connect(#[source] Box<kube::Error>),
    #[error("cannot load the configuration of the cluster's client")]
    Config(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Another replica may lead by now, so this one ends.
    #[error("the lease was lost")]
    LeaseLost,
}

impl ControllerError {
    /// A failed request about one object.
    pub fn request(
        action: &'static str,
        kind: impl Into<String>,
        name: impl Into<String>,
    ) -> impl FnOnce(kube::Error) -> Self {
        let (kind, name) = (kind.into(), name.into());
        move |source| Self::Request { action, kind, name, source: Box::new(source) }
    }

    /// What the API server answered, for the agent's status: where it gave no answer, or a race was
    /// lost, the next attempt says more.
    pub fn answer(&self) -> Option<String> {
        let Self::Request { source, .. } = self else { return None };
        match &**source {
            kube::Error::Api(status) if status.code != 409 => Some(self.to_string()),
            _ => None,
        }
    }

    /// Whether the API server refused the object, and will until something changes.
    pub fn is_refusal(&self) -> bool {
        let Self::Request { source, .. } = self else { return false };
        matches!(&**source, kube::Error::Api(status) if Refusal::of(status).is_some())
    }

    /// Whether the object was not what it had been, or should be, when it was written.
    pub fn is_conflict(&self) -> bool {
        let Self::Request { source, .. } = self else { return false };
        matches!(&**source, kube::Error::Api(status) if status.code == 409)
    }

    /// A stable word for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Request { source, .. } => match &**source {
                kube::Error::Api(status) if status.is_forbidden() => "forbidden",
                kube::Error::Api(status) if status.code == 409 => "conflict",
                kube::Error::Api(_) => "refused",
                _ => "transport",
            },
            Self::TimedOut(_) => "timeout",
            Self::WatchesEnded => "watches_ended",
            Self::Random => "random",
            Self::Json { .. } => "json",
            Self::Connect(_) | Self::Config(_) => "connect",
            Self::LeaseLost => "lease_lost",
        }
    }
}

/// The server's message, without the debugging form of its whole response.
fn response(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} ({})", status.message, status.code),
        other => other.to_string(),
    }
}
