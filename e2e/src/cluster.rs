//! The cluster under test, as its administrator sees it.

use std::{
    mem,
    net::IpAddr,
    process,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use daemon::clock;
use k8s_openapi::api::core::v1::{Namespace, Service};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DeleteParams, ListParams, PostParams},
    config::KubeConfigOptions,
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde_json::json;
use tokio::time::timeout;

/// A client of the cluster that `KUBECONFIG` names.
pub async fn client() -> Result<Client> {
    Ok(Client::try_from(config().await?)?)
}

/// The same, with the rights of a `ServiceAccount` in the place of the administrator's.
pub async fn client_as(account: &str, namespace: &str) -> Result<Client> {
    let mut config = config().await?;
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:{account}"));
    Ok(Client::try_from(config)?)
}

async fn config() -> Result<Config> {
    Config::from_kubeconfig(&KubeConfigOptions::default())
        .await
        .context("KUBECONFIG names no cluster: run the end-to-end tests by `cargo xtask test`")
}

/// Where pods reach the API server.
pub async fn api_server(client: &Client) -> Result<IpAddr> {
    let services: Api<Service> = Api::namespaced(client.clone(), "default");
    let address = services.get("kubernetes").await?.spec.and_then(|spec| spec.cluster_ip);
    Ok(address.context("the API server's Service has no address")?.parse()?)
}

/// The label of tests' namespaces; its value is the run.
pub const LABEL: &str = "kubeopencode.io/e2e";

/// Names this run among all that use the cluster, one after the other.
static RUN: LazyLock<String> =
    LazyLock::new(|| format!("{}-{}", clock::now().unix_timestamp(), process::id()));

/// Namespaces of tests of this run that have ended.
static ENDED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A namespace of one test's own, with the restricted pod security that agents must pass.
pub struct Space {
    pub client: Client,
    pub name: String,
}

impl Space {
    /// Makes a namespace whose name begins with `test-{purpose}-`.
    pub async fn new(purpose: &str) -> Result<Self> {
        let client = client().await?;
        delete_left_over(&client).await?;
        Self::made(client, purpose).await
    }

    /// Makes one more, beside this one.
    pub async fn beside(&self, purpose: &str) -> Result<Self> {
        Self::made(self.client.clone(), purpose).await
    }

    async fn made(client: Client, purpose: &str) -> Result<Self> {
        let namespace = serde_json::from_value::<Namespace>(json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": {
                "generateName": format!("test-{purpose}-"),
                "labels": {
                    LABEL: *RUN,
                    "pod-security.kubernetes.io/enforce": "restricted",
                },
            },
        }))?;
        let made = Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
        Ok(Self { client, name: made.name_any() })
    }

    /// Objects of one kind in this namespace.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.client.clone(), &self.name)
    }

    /// Deletes the namespace, without waiting for the end of it.
    pub async fn delete(self) -> Result<()> {
        let all: Api<Namespace> = Api::all(self.client.clone());
        all.delete(&self.name, &DeleteParams::default()).await?;
        Ok(())
    }

    /// Deletes the namespace and waits until nothing of it is left.
    pub async fn delete_whole(self) -> Result<()> {
        let all: Api<Namespace> = Api::all(self.client.clone());
        let uid = all.get(&self.name).await?.uid().unwrap_or_default();
        all.delete(&self.name, &DeleteParams::default()).await?;
        // On the heap: a watch's future is larger than a stack frame should be.
        let gone = Box::pin(await_condition(all, &self.name, is_deleted(&uid)));
        timeout(PATIENCE, gone)
            .await
            .with_context(|| format!("namespace {} stays", self.name))??;
        Ok(())
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        ENDED.lock().unwrap_or_else(PoisonError::into_inner).push(mem::take(&mut self.name));
    }
}

/// A test that failed leaves its namespace behind to be looked at, until the next one begins. Those of tests that
/// run side by side are left alone.
async fn delete_left_over(client: &Client) -> Result<()> {
    // One test after the other, so that none is deleted twice.
    static DELETES: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _deletes = DELETES.lock().await;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let ended = mem::take(&mut *ENDED.lock().unwrap_or_else(PoisonError::into_inner));
    for namespace in namespaces.list(&ListParams::default().labels(LABEL)).await? {
        let is_of_this_run = namespace.labels().get(LABEL) == Some(&*RUN);
        let is_left = !is_of_this_run || ended.contains(&namespace.name_any());
        if is_left && namespace.metadata.deletion_timestamp.is_none() {
            namespaces.delete(&namespace.name_any(), &DeleteParams::default()).await?;
        }
    }
    Ok(())
}

/// How long anything in a healthy cluster may take at most.
pub const PATIENCE: Duration = Duration::from_mins(2);
