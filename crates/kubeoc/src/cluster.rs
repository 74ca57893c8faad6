//! The cluster and namespace that kubeconfig and flags name.

mod inspect;
mod requests;
mod scratch;
mod secrets;
mod terminals;

use std::{future::Future, path::Path, time::Duration};

use anyhow::Context as _;
use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};

pub(crate) use inspect::Seen;
pub(crate) use requests::Scope;
pub(crate) use scratch::Created;
pub(crate) use secrets::Written;

use crate::{cli::Place, exit::Failure};

/// A connection with the user's own permissions, and a namespace.
pub(crate) struct Cluster {
    pub(crate) namespace: String,
    client: Client,
}

impl Cluster {
    pub(crate) async fn connect(place: &Place) -> anyhow::Result<Self> {
        let config = config(place).await?;
        let namespace = place.namespace.clone().unwrap_or(config.default_namespace.clone());
        let client = Client::try_from(config).context("cannot use this kubeconfig")?;
        Ok(Self { namespace, client })
    }
}

/// The names of the contexts in a kubeconfig.
pub(crate) fn known_contexts(kubeconfig: Option<&Path>) -> anyhow::Result<Vec<String>> {
    let read = kubeconfig.map_or_else(Kubeconfig::read, Kubeconfig::read_from)?;
    Ok(read.contexts.into_iter().map(|context| context.name).collect())
}

/// As kubectl chooses: the flag, $KUBECONFIG, the home's file, the pod's account.
async fn config(place: &Place) -> anyhow::Result<Config> {
    let read = match &place.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(error) if place.kubeconfig.is_none() && place.context.is_none() => {
            return Config::incluster()
                .map_err(|_| anyhow::Error::new(error).context("no kubeconfig found"));
        }
        Err(error) => return Err(error).context("cannot read the kubeconfig"),
    };
    let options = KubeConfigOptions { context: place.context.clone(), ..Default::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.context("cannot use this kubeconfig")
}

/// `work`, but no longer than `limit`; the error says what it is `waiting_for`.
pub(crate) async fn within<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
    waiting_for: impl FnOnce() -> String,
) -> anyhow::Result<T> {
    match tokio::time::timeout(limit, work).await {
        Ok(done) => done,
        Err(_elapsed) => Err(Failure::TimedOut(format!(
            "timed out after {} waiting for {}",
            humantime::format_duration(limit),
            waiting_for()
        ))
        .into()),
    }
}

/// A request, but no longer than `limit`.
pub(crate) async fn answer<T>(
    limit: Duration,
    request: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    within(limit, request, || "the API server".to_owned()).await
}
