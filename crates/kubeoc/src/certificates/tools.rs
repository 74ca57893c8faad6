//! The Secrets of tools, found by the labels of those that we made.

use api_types::{ToolName, labels};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;
use pki::{Tool, Unreadable};

use crate::{cluster::Cluster, exit::Failure};

/// The tools that there are.
#[derive(Default)]
pub(super) struct Found {
    pub(super) tools: Vec<Tool>,
    /// Secrets that do not tell what their tools may do.
    pub(super) unreadable: Vec<(ToolName, Unreadable)>,
}

/// Whoever may not list Secrets is told so, and goes on without.
pub(super) async fn find(cluster: &Cluster) -> anyhow::Result<Found> {
    let mut found = Found::default();
    for secret in secrets(cluster).await? {
        match (Tool::of_secret(&secret), ToolName::of_secret(&secret.name_any())) {
            (Some(Ok(tool)), _) => found.tools.push(tool),
            (Some(Err(why)), Some(name)) => found.unreadable.push((name, why)),
            _ => {}
        }
    }
    Ok(found)
}

/// The names of those that [`find`] finds, whatever their Secrets hold.
pub(super) async fn names(cluster: &Cluster) -> anyhow::Result<Vec<ToolName>> {
    let secrets = secrets(cluster).await?;
    Ok(secrets.iter().filter_map(|secret| ToolName::of_secret(&secret.name_any())).collect())
}

async fn secrets(cluster: &Cluster) -> anyhow::Result<Vec<Secret>> {
    let ours =
        [(labels::MANAGED_BY, labels::CERTIFICATES_MANAGER), (labels::PART_OF, labels::PRODUCT)];
    let ours = ours.map(|(key, value)| format!("{key}={value}")).join(",");
    match cluster.list_secrets(&ours).await {
        Err(error) if matches!(error.downcast_ref(), Some(Failure::Forbidden(_))) => {
            eprintln!("tools' certificates are not looked for: {error}; or name each by --tool");
            Ok(vec![])
        }
        listed => listed,
    }
}
