//! The pod around an agent, for those who must shape it.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvVar, Lifecycle, PodSecurityContext, ResourceRequirements, SecurityContext,
    Toleration, Volume, VolumeMount,
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::schema;

/// Memory requested for the executor where no resources are given.
pub const DEFAULT_MEMORY_REQUEST: &str = "512Mi";
/// Memory limit of the executor where no resources are given.
pub const DEFAULT_MEMORY_LIMIT: &str = "4Gi";
/// User, group and volume group of the pod where nothing sets a user.
pub const DEFAULT_USER: i64 = 1000;

/// Settings of the pod. An Agent's replaces its template's entirely.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPodSpec {
    /// Labels of the pod, besides ours, which they cannot override.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub labels: Option<BTreeMap<String, String>>,

    /// On which nodes the pod may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,

    /// RuntimeClass of the pod, such as gvisor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub runtime_class_name: Option<String>,

    /// Resources of the executor; a request of 512Mi and a limit of 4Gi of memory where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub resources: Option<ResourceRequirements>,

    /// Security settings of every container, in place of the restricted default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub security_context: Option<SecurityContext>,

    /// Security settings of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub pod_security_context: Option<PodSecurityContext>,

    /// Hooks of the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub lifecycle: Option<Lifecycle>,

    /// Volumes of the pod, besides ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub extra_volumes: Option<Vec<Volume>>,

    /// Mounts of the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub extra_volume_mounts: Option<Vec<VolumeMount>>,

    /// Variables of every container, after ours, so that they win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 256))]
    pub extra_env: Option<Vec<EnvVar>>,

    /// Variables and mounts of single kinds of our containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_containers: Option<SystemContainers>,
}

/// On which nodes the pod may run.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels that the node must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub node_selector: Option<BTreeMap<String, String>>,

    /// Taints that the pod tolerates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub tolerations: Option<Vec<Toleration>>,

    /// Rules of attraction and repulsion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub affinity: Option<Affinity>,
}

/// Variables and mounts of single kinds of our containers.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemContainers {
    /// Of opencode-init, which copies the OpenCode binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_code_init: Option<ContainerExtras>,

    /// Of context-init, which writes contexts into the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_init: Option<ContainerExtras>,

    /// Of every git-init, which clone repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_init: Option<ContainerExtras>,

    /// Of every git-sync, which follow repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_sync: Option<ContainerExtras>,

    /// Of plugin-init, which installs plugins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_init: Option<ContainerExtras>,
}

/// Variables and mounts of one kind of container.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerExtras {
    /// Variables, after the pod's extraEnv, so that they win.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 256))]
    pub extra_env: Option<Vec<EnvVar>>,

    /// Mounts of the pod's volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub extra_volume_mounts: Option<Vec<VolumeMount>>,
}
