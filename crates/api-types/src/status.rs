//! What the controller last observed of an Agent. Only the controller writes it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ShareStatus, TaskStart, schema};

/// Observed state of the Agent.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// Generation of the spec that was last reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions of the Agent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::bare)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Name of the Deployment that runs the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_name: Option<String>,

    /// Name of the Service of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,

    /// URL of the agent's server inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Whether the agent is ready.
    #[serde(default)]
    pub ready: bool,

    /// Whether the agent is suspended, by request or because it is idle.
    #[serde(default)]
    pub suspended: bool,

    /// Time since which nobody is connected; unset while somebody is.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub idle_since: Option<OffsetDateTime>,

    /// State of each synced repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub git_sync_statuses: Vec<GitSyncStatus>,

    /// State of the share link; unset while sharing is disabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareStatus>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub task_start_history: Vec<TaskStart>,
}

/// State of a synced repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitSyncStatus {
    /// Name of the context.
    pub name: String,

    /// Commit that is checked out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_hash: Option<String>,

    /// Time of the last successful sync (RFC 3339).
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub last_synced: Option<OffsetDateTime>,
}
