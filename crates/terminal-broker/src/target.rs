//! Which pod an agent's terminal is in: asks the cluster for what is chosen from, by three small requests at
//! once when a terminal opens, and none ever else. The API server answers from its watch cache, which may lag a moment behind:
//! a viewer would rather try again than wait for its consensus each time.

use std::time::Duration;

use api_types::{AgentId, NoTarget, Target, labels, names};
use futures::{
    FutureExt,
    future::{BoxFuture, try_join3},
};
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::{
    Api, Client,
    api::{GetParams, ListParams},
};
use tokio::time::timeout;

/// How long all questions for one terminal may take together.
const DEADLINE: Duration = Duration::from_secs(10);

/// Finds the pod of an agent's terminal. A trait so that tests need no API server.
pub trait FindPod: Send + Sync + 'static {
    fn find<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Target, FindError>>;
}

/// Why no pod was found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    #[error(transparent)]
    NoTarget(#[from] NoTarget),
    #[error("the cluster cannot be asked")]
    Cluster(#[from] kube::Error),
    #[error("the cluster did not answer within {DEADLINE:?}")]
    Late,
}

impl FindError {
    /// A stable word for metrics and logs.
    pub fn category(&self) -> &'static str {
        match self {
            Self::NoTarget(NoTarget::NoDeployment) => "no_deployment",
            Self::NoTarget(NoTarget::NoReadyPod) => "no_ready_pod",
            Self::Cluster(_) => "cluster",
            Self::Late => "cluster_late",
        }
    }
}

/// The pods of a real cluster.
#[derive(Clone)]
pub struct ClusterPods {
    client: Client,
}

impl ClusterPods {
    pub fn new(client: Client) -> Self {
        Self { client }
    }

    async fn ask(&self, agent: &AgentId) -> Result<Target, FindError> {
        let namespace = &agent.namespace;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let replica_sets: Api<ReplicaSet> = Api::namespaced(self.client.clone(), namespace);
        let deployments: Api<Deployment> = Api::namespaced(self.client.clone(), namespace);

        let labelled = format!("{}={}", labels::AGENT, agent.name);
        let labelled = ListParams::default().labels(&labelled).match_any();
        let deployment = names::deployment(&agent.name);
        let (pods, replica_sets, deployment) = try_join3(
            pods.list(&labelled),
            replica_sets.list_metadata(&labelled),
            deployments.get_metadata_opt_with(&deployment, &GetParams::any()),
        )
        .await?;

        let deployment = deployment.ok_or(NoTarget::NoDeployment)?.metadata;
        let replica_sets: Vec<_> = replica_sets.items.into_iter().map(|set| set.metadata).collect();
        Ok(Target::choose(&agent.uid, &deployment, &replica_sets, &pods.items)?)
    }
}

impl FindPod for ClusterPods {
    fn find<'a>(&'a self, agent: &'a AgentId) -> BoxFuture<'a, Result<Target, FindError>> {
        async move { timeout(DEADLINE, self.ask(agent)).await.unwrap_or(Err(FindError::Late)) }
            .boxed()
    }
}

#[cfg(test)]
mod tests;
