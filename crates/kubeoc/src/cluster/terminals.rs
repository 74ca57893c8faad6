//! What a terminal in an agent's pod is found by, and the command that shows it.

use api_types::{Agent, NoTarget, Target, labels, names};
use futures::future::try_join3;
use k8s_openapi::api::{
    apps::v1::{Deployment, ReplicaSet},
    core::v1::Pod,
};
use kube::{
    ResourceExt,
    api::{AttachParams, AttachedProcess, ListParams},
    core::ObjectMeta,
};

use super::Cluster;
use crate::refusal::{Request, explain};

/// Between the connection and what reads it, in bytes: a message of an exec is no longer.
const PIPE_BYTES: usize = 32 * 1024;

impl Cluster {
    /// The pod that has the terminals of `agent`.
    pub(crate) async fn target(&self, agent: &Agent) -> anyhow::Result<Result<Target, NoTarget>> {
        let name = agent.name_any();
        let (deployment, replica_sets, pods) =
            Box::pin(try_join3(self.deployment(&name), self.replica_sets(&name), self.pods(&name)))
                .await?;
        let Some(deployment) = deployment else { return Ok(Err(NoTarget::NoDeployment)) };
        let uid = agent.uid().unwrap_or_default();
        Ok(Target::choose(&uid, &deployment, &replica_sets, &pods))
    }

    async fn deployment(&self, agent: &str) -> anyhow::Result<Option<ObjectMeta>> {
        let name = names::deployment(agent);
        let found = self.api::<Deployment>().get_metadata_opt(&name).await;
        let found = found.map_err(|error| explain(error, &self.to::<Deployment>("get", &name)))?;
        Ok(found.map(|deployment| deployment.metadata))
    }

    async fn replica_sets(&self, agent: &str) -> anyhow::Result<Vec<ObjectMeta>> {
        let labelled = ListParams::default().labels(&format!("{}={agent}", labels::AGENT));
        let found = self.api::<ReplicaSet>().list_metadata(&labelled).await;
        let found = found.map_err(|error| explain(error, &self.to::<ReplicaSet>("list", "")))?;
        Ok(found.items.into_iter().map(|set| set.metadata).collect())
    }

    /// Runs a command beside the agent's server, without a TTY: a TTY exec leaves its process behind whenever a client
    /// dies.
    pub(crate) async fn exec(
        &self,
        pod: &str,
        command: Vec<String>,
    ) -> anyhow::Result<AttachedProcess> {
        let streams = AttachParams::default()
            .container(names::SERVER_CONTAINER)
            .stdin(true)
            .stdout(true)
            .stderr(true)
            .tty(false)
            .max_stdin_buf_size(PIPE_BYTES)
            .max_stdout_buf_size(PIPE_BYTES);
        let started = self.api::<Pod>().exec(pod, command, &streams).await;
        started.map_err(|error| {
            let verb = missing_verb(&error);
            explain(error, &Request { resource: "pods/exec", ..self.to::<Pod>(verb, pod) })
        })
    }
}

/// A WebSocket begins with a GET; newer API servers ask for what an exec by POST needs as well.
fn missing_verb(error: &kube::Error) -> &'static str {
    match error {
        kube::Error::Api(status) if status.message.contains(" cannot get resource ") => "get",
        _ => "create",
    }
}
