//! Fields of task runners: accepted and stored so that existing manifests apply, with no effect.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::schema;

/// Number of tasks that may start in a sliding window. Reserved for task runners; no effect.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Maximum number of task starts within the window.
    #[schemars(range(min = 1))]
    pub max_task_starts: i32,

    /// Length of the window in seconds.
    #[schemars(range(min = 60, max = 86400))]
    pub window_seconds: i32,
}

/// A task that started within the window. Reserved for task runners; no effect.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStart {
    /// Name of the task.
    pub task_name: String,

    /// Namespace of the task.
    pub task_namespace: String,

    /// Start time (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub start_time: OffsetDateTime,
}
