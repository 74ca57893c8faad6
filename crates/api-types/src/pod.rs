//! Settings of an agent's pod.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, EnvVar, Lifecycle, PodSecurityContext, ResourceRequirements, SecurityContext,
    Toleration, Volume, VolumeMount,
};
use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::{schema, unset};

/// Default memory request of the executor.
pub const DEFAULT_MEMORY_REQUEST: &str = "512Mi";
/// Default memory limit of the executor.
pub const DEFAULT_MEMORY_LIMIT: &str = "4Gi";
/// Default user, group and volume group of the pod.
pub const DEFAULT_USER: i64 = 1000;

/// Settings of the pod. Those of an Agent replace those of its template entirely.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentPodSpec {
    /// Additional labels of the pod. Labels set by KubeOpenCode cannot be overridden.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub labels: Option<BTreeMap<String, String>>,

    /// Scheduling constraints of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,

    /// Name of the RuntimeClass of the pod, such as gvisor.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 253), regex(pattern = schema::SUBDOMAIN_OR_EMPTY))]
    pub runtime_class_name: Option<String>,

    /// Resource requirements of the executor. Defaults to a memory request of 512Mi and a memory limit of 4Gi.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub resources: Option<ResourceRequirements>,

    /// Security context of every container. Replaces the restricted default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub security_context: Option<SecurityContext>,

    /// Security context of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub pod_security_context: Option<PodSecurityContext>,

    /// Lifecycle hooks of the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub lifecycle: Option<Lifecycle>,

    /// Additional volumes of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub extra_volumes: Option<Vec<Volume>>,

    /// Additional volume mounts of the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub extra_volume_mounts: Option<Vec<VolumeMount>>,

    /// Additional environment variables of every container. They override those set by KubeOpenCode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 256))]
    pub extra_env: Option<Vec<EnvVar>>,

    /// Additional settings of the containers that KubeOpenCode adds to the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_containers: Option<SystemContainers>,
}

/// Scheduling constraints of the pod.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels that a node must have to run the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 64))]
    pub node_selector: Option<BTreeMap<String, String>>,

    /// Tolerations of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub tolerations: Option<Vec<Toleration>>,

    /// Scheduling affinity of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare)]
    pub affinity: Option<Affinity>,
}

/// Additional settings of the containers that KubeOpenCode adds to the pod.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SystemContainers {
    /// Settings of opencode-init, which copies the OpenCode binary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_code_init: Option<ContainerExtras>,

    /// Settings of context-init, which writes contexts into the working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_init: Option<ContainerExtras>,

    /// Settings of the git-init containers, which clone repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_init: Option<ContainerExtras>,

    /// Settings of the git-sync containers, which keep repositories up to date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git_sync: Option<ContainerExtras>,

    /// Settings of plugin-init, which installs plugins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plugin_init: Option<ContainerExtras>,
}

/// Additional settings of a container.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerExtras {
    /// Additional environment variables. They override extraEnv of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 256))]
    pub extra_env: Option<Vec<EnvVar>>,

    /// Additional mounts of the pod's volumes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(transform = schema::bare, length(max = 64))]
    pub extra_volume_mounts: Option<Vec<VolumeMount>>,
}
