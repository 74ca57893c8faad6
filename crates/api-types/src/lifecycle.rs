//! Persistent volumes, and suspension for idleness.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Duration, schema, unset};

/// Default size of the sessions' claim.
pub const DEFAULT_SESSIONS_SIZE: &str = "1Gi";
/// Default size of the workspace's claim.
pub const DEFAULT_WORKSPACE_SIZE: &str = "10Gi";

/// Persistent volumes. Removing a field keeps its PersistentVolumeClaim; it is deleted with the Agent.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Persistence {
    /// Volume for sessions, mounted at /data/sessions. Defaults to 1Gi.
    #[serde(default, deserialize_with = "sessions_claim", skip_serializing_if = "Option::is_none")]
    #[schemars(transform = sessions_size)]
    pub sessions: Option<VolumeClaim>,

    /// Volume for the working directory. Defaults to 10Gi.
    #[serde(
        default,
        deserialize_with = "workspace_claim",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(transform = workspace_size)]
    pub workspace: Option<VolumeClaim>,
}

fn sessions_size(schema: &mut schemars::Schema) {
    schema::sized(schema, DEFAULT_SESSIONS_SIZE);
}

fn workspace_size(schema: &mut schemars::Schema) {
    schema::sized(schema, DEFAULT_WORKSPACE_SIZE);
}

fn sessions_claim<'de, D: Deserializer<'de>>(d: D) -> Result<Option<VolumeClaim>, D::Error> {
    Ok(Option::<VolumeClaim>::deserialize(d)?.map(|claim| claim.or_size(DEFAULT_SESSIONS_SIZE)))
}

fn workspace_claim<'de, D: Deserializer<'de>>(d: D) -> Result<Option<VolumeClaim>, D::Error> {
    Ok(Option::<VolumeClaim>::deserialize(d)?.map(|claim| claim.or_size(DEFAULT_WORKSPACE_SIZE)))
}

/// A PersistentVolumeClaim with access mode ReadWriteOnce.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VolumeClaim {
    /// Name of the StorageClass. If unset, the cluster's default StorageClass is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub storage_class_name: Option<String>,

    /// Requested storage, such as 10Gi.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "schema::size")]
    // The form first: an exponent of nine digits keeps the API server's own reader of quantities busy for ever.
    #[x_kube(validation = Rule::new("self == '' || self.matches('^[0-9.]+([eE][0-9]{1,2}|[a-zA-Z]{1,2})?$') && isQuantity(self) && quantity(self).isGreaterThan(quantity('0'))").message("size must be a positive quantity, such as 10Gi"))]
    pub size: Option<Quantity>,
}

impl VolumeClaim {
    fn or_size(self, default: &str) -> Self {
        Self { size: self.size.or_else(|| Some(Quantity(default.to_owned()))), ..self }
    }
}

/// Suspends the agent automatically while nobody is connected, and resumes it on the next connection.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Standby {
    /// Duration without connections after which the agent is suspended, such as 30m or 1h30m.
    #[schemars(with = "String", length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) > duration('0s') && duration(self) <= duration('8760h')").message("idleTimeout must be longer than zero and at most a year (8760h), as in 30m; leave standby out to never suspend"))]
    pub idle_timeout: Duration,
}
