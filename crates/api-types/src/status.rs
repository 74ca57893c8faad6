//! What the controller last observed of an Agent. Only the controller writes it.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::{ShareStatus, TaskStart, schema};

/// What the controller last observed.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentStatus {
    /// The generation of the spec that this status describes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The agent's conditions, one of each type.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::bare)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,

    /// Name of the Deployment that runs the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_name: Option<String>,

    /// Name of the Service in front of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_name: Option<String>,

    /// Address of the agent's server inside the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// Whether the agent can be used at this moment.
    #[serde(default)]
    pub ready: bool,

    /// Whether the agent has no pod, by wish or for idleness.
    #[serde(default)]
    pub suspended: bool,

    /// Since when nobody has been connected; absent while somebody is.
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub idle_since: Option<OffsetDateTime>,

    /// State of each followed repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub git_sync_statuses: Vec<GitSyncStatus>,

    /// State of the share link; absent while sharing is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareStatus>,

    /// Kept for task runners; without effect here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub task_start_history: Vec<TaskStart>,
}

/// State of one followed repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitSyncStatus {
    /// Name of the context.
    pub name: String,

    /// The commit that the agent has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit_hash: Option<String>,

    /// When the remote was last asked with success (RFC 3339).
    #[serde(
        default,
        with = "time::serde::rfc3339::option",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "Option<String>", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub last_synced: Option<OffsetDateTime>,
}
