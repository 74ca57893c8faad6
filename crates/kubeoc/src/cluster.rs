//! The agent a command is about, in the cluster that kubeconfig and flags name.

use std::{fmt::Debug, future::Future, time::Duration};

use anyhow::Context as _;
use api_types::{Agent, names};
use futures::{StreamExt, stream::BoxStream};
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, Client, Config, Resource,
    api::{Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{
        WatchStreamExt,
        watcher::{self, watch_object},
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    cli::Target,
    exit::Failure,
    refusal::{AGENTS, Request, SECRETS, explain},
};

/// Who the API server records as the author of a change.
const FIELD_MANAGER: &str = "kubeoc";

/// An object now and after each change; `None` when it does not exist.
type Changes<K> = BoxStream<'static, anyhow::Result<Option<K>>>;

/// One agent and its share Secret.
pub(crate) struct Cluster {
    pub(crate) name: String,
    pub(crate) namespace: String,
    agents: Api<Agent>,
    secrets: Api<Secret>,
}

impl Cluster {
    pub(crate) async fn connect(target: &Target) -> anyhow::Result<Self> {
        let config = config(target).await?;
        let namespace = target.namespace.clone().unwrap_or(config.default_namespace.clone());
        let client = Client::try_from(config).context("cannot use this kubeconfig")?;
        Ok(Self {
            name: target.name.clone(),
            agents: Api::namespaced(client.clone(), &namespace),
            secrets: Api::namespaced(client, &namespace),
            namespace,
        })
    }

    pub(crate) async fn agent(&self) -> anyhow::Result<Agent> {
        self.agents.get(&self.name).await.map_err(|error| explain(error, &self.to("get", AGENTS)))
    }

    pub(crate) async fn patch(&self, change: &Value) -> anyhow::Result<Agent> {
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.agents.patch(&self.name, &parameters, &Patch::Merge(change)).await;
        patched.map_err(|error| explain(error, &self.to("patch", AGENTS)))
    }

    pub(crate) async fn secret(&self) -> anyhow::Result<Option<Secret>> {
        let secret = self.secrets.get_opt(&names::share_secret(&self.name)).await;
        secret.map_err(|error| explain(error, &self.to("get", SECRETS)))
    }

    /// The Agent now and after each change; `None` when it is gone.
    pub(crate) fn watch_agent(&self) -> Changes<Agent> {
        self.watch(self.agents.clone(), &self.name, AGENTS)
    }

    /// The share Secret now and after each change; `None` when there is none.
    pub(crate) fn watch_secret(&self) -> Changes<Secret> {
        self.watch(self.secrets.clone(), &names::share_secret(&self.name), SECRETS)
    }

    /// Transient failures are retried; permanent ones are returned.
    fn watch<K>(&self, api: Api<K>, name: &str, resource: &'static str) -> Changes<K>
    where
        K: Resource + Clone + Debug + Send + DeserializeOwned + 'static,
    {
        let (namespace, agent) = (self.namespace.clone(), self.name.clone());
        let changed = move |event| match event {
            Ok(object) => Some(Ok(object)),
            Err(error) => {
                let to_watch =
                    |verb| Request { verb, resource, namespace: &namespace, name: &agent };
                permanent(error).map(|(verb, error)| Err(explain(error, &to_watch(verb))))
            }
        };
        let events = watch_object(api, name).default_backoff();
        events.filter_map(move |event| std::future::ready(changed(event))).boxed()
    }

    fn to(&self, verb: &'static str, resource: &'static str) -> Request<'_> {
        Request { verb, resource, namespace: &self.namespace, name: &self.name }
    }
}

/// A client error that the API server answered, with the request's verb; others are transient.
fn permanent(error: watcher::Error) -> Option<(&'static str, kube::Error)> {
    let (verb, error) = match error {
        watcher::Error::InitialListFailed(error) => ("list", error),
        watcher::Error::WatchStartFailed(error) => ("watch", error),
        watcher::Error::WatchError(status) => ("watch", kube::Error::Api(status)),
        watcher::Error::WatchFailed(_) | watcher::Error::NoResourceVersion => return None,
    };
    let refused = matches!(&error, kube::Error::Api(status) if (400..410).contains(&status.code));
    refused.then_some((verb, error))
}

/// As kubectl chooses: the flag, $KUBECONFIG, the home's file, the pod's account.
async fn config(target: &Target) -> anyhow::Result<Config> {
    let read = match &target.kubeconfig {
        Some(file) => Kubeconfig::read_from(file),
        None => Kubeconfig::read(),
    };
    let kubeconfig = match read {
        Ok(kubeconfig) => kubeconfig,
        Err(error) if target.kubeconfig.is_none() && target.context.is_none() => {
            return Config::incluster()
                .map_err(|_| anyhow::Error::new(error).context("no kubeconfig found"));
        }
        Err(error) => return Err(error).context("cannot read the kubeconfig"),
    };
    let options = KubeConfigOptions { context: target.context.clone(), ..Default::default() };
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
