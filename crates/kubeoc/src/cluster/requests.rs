//! The requests that commands make, and what their refusal means.

use std::{fmt::Debug, future::ready};

use api_types::{Agent, labels, names};
use futures::{AsyncBufRead, StreamExt, stream::BoxStream};
use k8s_openapi::{
    ClusterResourceScope, NamespaceResourceScope,
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
    refusal::{Request, explain, is_conflict},
    stored::{Change, Kind, Stored},
};

/// Who the API server records as the author of a change.
pub(super) const FIELD_MANAGER: &str = "kubeoc";

/// The most objects of one answer, as kubectl asks for.
const PAGE: u32 = 500;

/// An object now and after each change; `None` when it does not exist.
type Changes<K> = BoxStream<'static, anyhow::Result<Option<K>>>;

/// All objects, and what changes of them.
type Watched<K> = BoxStream<'static, anyhow::Result<Change<K>>>;

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
        let (api, namespace) = self.scoped::<K>(scope);
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

    /// The names of all objects of a kind, of which nothing else is read. Of very many, some.
    pub(crate) async fn names<K>(&self) -> anyhow::Result<Vec<String>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        names_in(&self.api::<K>()).await
    }

    pub(crate) async fn names_of_cluster<K>(&self) -> anyhow::Result<Vec<String>>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        names_in(&Api::<K>::all(self.client.clone())).await
    }

    /// Merges `change` into the Agent.
    pub(crate) async fn patch(&self, name: &str, change: &Value) -> anyhow::Result<Stored<Agent>> {
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.api().patch(name, &parameters, &Patch::Merge(change)).await;
        patched.map_err(|error| explain(error, &self.to::<Agent>("patch", name)))
    }

    /// Merges into the Agent what `change` makes of it. It names the version that it was made of; where
    /// somebody else changed the Agent meanwhile, it is made anew.
    pub(crate) async fn patch_as_read(
        &self,
        name: &str,
        change: impl Fn(&Agent) -> anyhow::Result<Value>,
    ) -> anyhow::Result<Stored<Agent>> {
        loop {
            let read = self.get::<Agent>(name).await?;
            if let Some(mistake) = read.unreadable {
                anyhow::bail!("the agent's spec cannot be read: {mistake}; correct it first");
            }
            match self.patch(name, &change(&read.object)?).await {
                Err(error) if is_conflict(&error) => {}
                patched => return patched,
            }
        }
    }

    /// Merges `change` into a Secret.
    pub(crate) async fn patch_secret(&self, name: &str, change: &Value) -> anyhow::Result<()> {
        let parameters =
            PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
        let patched = self.api::<Secret>().patch(name, &parameters, &Patch::Merge(change)).await;
        patched.map(|_| ()).map_err(|error| explain(error, &self.to::<Secret>("patch", name)))
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

    /// The objects that match now, and each change of them.
    pub(crate) fn watch_all<K: Kind>(
        &self,
        scope: Scope,
        name: Option<&str>,
        selector: Option<&str>,
    ) -> Watched<Stored<K>> {
        let (api, namespace) = self.scoped::<K>(scope);
        let config = watcher::Config {
            label_selector: selector.map(str::to_owned),
            field_selector: name.map(|name| format!("metadata.name={name}")),
            ..watcher::Config::default()
        };
        let namespace = namespace.map(str::to_owned);
        let events = watcher::watcher(api, config).default_backoff();
        let lasting = move |event| lasting::<K, _>(event, namespace.as_deref(), "");
        events.filter_map(move |event| ready(lasting(event.map(change)))).boxed()
    }

    /// An agent's share Secret now and after each change; `None` when there is none.
    pub(crate) fn watch_secret(&self, agent: &str) -> Changes<Secret> {
        self.watch(&names::share_secret(agent))
    }

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
        let events = watch_object(self.api::<K>(), name).default_backoff();
        let lasting = move |event| lasting::<K, _>(event, Some(&namespace), &object);
        events.filter_map(move |event| ready(lasting(event))).boxed()
    }

    /// An API, and its namespace if it is of one.
    fn scoped<K: Kind>(&self, scope: Scope) -> (Api<Stored<K>>, Option<&str>) {
        match scope {
            Scope::Namespace => (self.api(), Some(&self.namespace)),
            Scope::AllNamespaces => (Api::all(self.client.clone()), None),
        }
    }

    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(super) fn to<'a, K: Resource<DynamicType = ()>>(
        &'a self,
        verb: &'static str,
        name: &'a str,
    ) -> Request<'a> {
        Request::of::<K>(verb, Some(&self.namespace), name)
    }
}

async fn names_in<K>(api: &Api<K>) -> anyhow::Result<Vec<String>>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let listed = api.list_metadata(&ListParams::default().limit(PAGE)).await?;
    Ok(listed.items.into_iter().filter_map(|object| object.metadata.name).collect())
}

fn change<K>(event: watcher::Event<K>) -> Change<K> {
    match event {
        watcher::Event::Init => Change::ListBegins,
        watcher::Event::InitApply(object) => Change::Listed(object),
        watcher::Event::InitDone => Change::ListEnds,
        watcher::Event::Apply(object) => Change::Applied(object),
        watcher::Event::Delete(object) => Change::Deleted(object),
    }
}

/// What a watch delivers. Transient failures are left out, as it goes on by itself.
fn lasting<K: Resource<DynamicType = ()>, T>(
    delivered: watcher::Result<T>,
    namespace: Option<&str>,
    name: &str,
) -> Option<anyhow::Result<T>> {
    match delivered {
        Ok(delivered) => Some(Ok(delivered)),
        Err(error) => {
            let (verb, error) = permanent(error)?;
            Some(Err(explain(error, &Request::of::<K>(verb, namespace, name))))
        }
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
