//! What outlives the pod, and when the pod rests.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, schema};

/// Size of the session claim where none is given.
pub const DEFAULT_SESSIONS_SIZE: &str = "1Gi";
/// Size of the workspace claim where none is given.
pub const DEFAULT_WORKSPACE_SIZE: &str = "10Gi";

/// Volumes that outlive the pod. Taking a field away keeps its claim: data goes only with the Agent.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Persistence {
    /// Keeps sessions, at /data/sessions; 1Gi unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = sessions_size)]
    pub sessions: Option<VolumeClaim>,

    /// Keeps the working directory; 10Gi unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = workspace_size)]
    pub workspace: Option<VolumeClaim>,
}

fn sessions_size(schema: &mut schemars::Schema) {
    schema::sized(schema, DEFAULT_SESSIONS_SIZE);
}

fn workspace_size(schema: &mut schemars::Schema) {
    schema::sized(schema, DEFAULT_WORKSPACE_SIZE);
}

/// A claim of one volume, ReadWriteOnce.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeClaim {
    /// StorageClass of the claim; the cluster's default where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub storage_class_name: Option<String>,

    /// Size of the claim, as in 10Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::size")]
    #[x_kube(validation = Rule::new("isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))").message("size must be a positive quantity, such as 10Gi"))]
    pub size: Option<Quantity>,
}

/// Suspends the agent by itself while nobody is connected, and resumes it for the next visitor.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standby {
    /// How long without a connection until the agent is suspended, as in 30m or 1h30m.
    #[schemars(with = "String", length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s') && duration(self) <= duration('8760h')").message("idleTimeout must be longer than zero and at most a year (8760h), as in 30m; leave standby out to never suspend"))]
    pub idle_timeout: Duration,
}
