//! Fields that belong to task runners: accepted and stored so that existing
//! manifests apply, and without effect here.

use kube::KubeSchema;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::schema;

/// How many tasks may start in a sliding window. Stored, without effect here.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Quota {
    /// Starts allowed within the window.
    #[schemars(range(min = 1))]
    pub max_task_starts: i32,

    /// Length of the window in seconds, a minute to a day.
    #[schemars(range(min = 60, max = 86400))]
    pub window_seconds: i32,
}

/// A task that started within the window. Stored, without effect here.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskStart {
    /// Name of the task.
    pub task_name: String,

    /// Namespace of the task.
    pub task_namespace: String,

    /// When it started (RFC 3339).
    #[serde(with = "time::serde::rfc3339")]
    #[schemars(with = "String", regex(pattern = schema::TIMESTAMP), extend("format" = "date-time"))]
    pub start_time: OffsetDateTime,
}
