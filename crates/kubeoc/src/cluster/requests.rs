//! The requests that commands make, and what their refusal means.

use std::fmt::Debug;

use api_types::{Agent, labels, names};
use futures::{AsyncBufRead, StreamExt, stream::BoxStream};
use k8s_openapi::{
    NamespaceResourceScope,
    api::core::v1::{Pod, Secret},
};
use kube::{
    Api, Resource,
    api::{ListParams, LogParams, Patch, PatchParams},
    runtime::{
        WatchStreamExt,
        watcher::{self, watch_object},
    },
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Cluster;
use crate::{
    refusal::{Request, explain},
    stored::{Kind, Stored},
};

/// Who the API server records as the author of a change.
const FIELD_MANAGER: &str = "kubeoc";

/// The most objects of one answer, as kubectl asks for.
const PAGE: u32 = 500;

/// An object now and after each change; `None` when it does not exist.
type Changes<K> = BoxStream<'static, anyhow::Result<Option<K>>>;

/// Where objects are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Namespace,
    AllNamespaces,
}

impl Cluster {
    pub(crate) async fn get<K: Kind>(&self, name: &str) -> anyhow::Result<Stored<K>> {
        let found = self.api::<Stored<K>>().get(name).await;
        found.map_err(|error| explain(error, &self.to::<K>("get", name)))
    }

    /// All that match, page by page, each as what `row` makes of it.
    pub(crate) async fn list<K: Kind, R>(
        &self,
        scope: Scope,
        selector: Option<&str>,
        row: impl Fn(Stored<K>) -> R,
    ) -> anyhow::Result<Vec<R>> {
        let (api, namespace) = match scope {
            Scope::Namespace => (self.api::<Stored<K>>(), Some(self.namespace.as_str())),
            Scope::AllNamespaces => (Api::all(self.client.clone()), None),
        };
        let request = Request { namespace, ..self.to::<K>("list", "") };
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.label_selector = selector.map(str::to_owned);
        let mut rows = vec![];
        loop {
            let page = api.list(&parameters).await.map_err(|error| explain(error, &request))?;
            rows.extend(page.items.into_iter().map(&row));
            parameters.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if parameters.continue_token.is_none() {
                return Ok(rows);
            }
        }
    }

    /// Merges `change` into the Agent.
    pub(crate) async fn patch(&self, name: &str, change: &Value) -> anyhow::Result<Stored<Agent>> {
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.api().patch(name, &parameters, &Patch::Merge(change)).await;
        patched.map_err(|error| explain(error, &self.to::<Agent>("patch", name)))
    }

    /// The share Secret of an agent.
    pub(crate) async fn secret(&self, agent: &str) -> anyhow::Result<Option<Secret>> {
        let name = names::share_secret(agent);
        let secret = self.api::<Secret>().get_opt(&name).await;
        secret.map_err(|error| explain(error, &self.to::<Secret>("get", &name)))
    }

    /// The pods that carry an agent's labels.
    pub(crate) async fn pods(&self, agent: &str) -> anyhow::Result<Vec<Pod>> {
        let pairs =
            labels::selector(agent).into_iter().map(|(key, value)| format!("{key}={value}"));
        let parameters = ListParams::default().labels(&pairs.collect::<Vec<_>>().join(","));
        let pods = self.api::<Pod>().list(&parameters).await;
        Ok(pods.map_err(|error| explain(error, &self.to::<Pod>("list", agent)))?.items)
    }

    /// What a container printed, as it arrives.
    pub(crate) async fn logs(
        &self,
        pod: &str,
        parameters: &LogParams,
    ) -> anyhow::Result<impl AsyncBufRead + use<>> {
        let logs = self.api::<Pod>().log_stream(pod, parameters).await;
        let request = Request { resource: "pods/log", ..self.to::<Pod>("get", pod) };
        logs.map_err(|error| explain(error, &request))
    }

    /// The Agent now and after each change; `None` when it is gone.
    pub(crate) fn watch_agent(&self, name: &str) -> Changes<Stored<Agent>> {
        self.watch(name)
    }

    /// An agent's share Secret now and after each change; `None` when there is none.
    pub(crate) fn watch_secret(&self, agent: &str) -> Changes<Secret> {
        self.watch(&names::share_secret(agent))
    }

    /// Transient failures are retried; permanent ones are returned.
    fn watch<K>(&self, name: &str) -> Changes<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + Send
            + DeserializeOwned
            + 'static,
    {
        let (namespace, object) = (self.namespace.clone(), name.to_owned());
        let changed = move |event| match event {
            Ok(object) => Some(Ok(object)),
            Err(error) => {
                let (verb, error) = permanent(error)?;
                let request = Request::of::<K>(verb, Some(&namespace), &object);
                Some(Err(explain(error, &request)))
            }
        };
        let events = watch_object(self.api::<K>(), name).default_backoff();
        events.filter_map(move |event| std::future::ready(changed(event))).boxed()
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    fn to<'a, K: Resource<DynamicType = ()>>(
        &'a self,
        verb: &'static str,
        name: &'a str,
    ) -> Request<'a> {
        Request::of::<K>(verb, Some(&self.namespace), name)
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
