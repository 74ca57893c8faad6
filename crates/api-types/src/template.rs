//! The `AgentTemplate` custom resource: settings shared by many Agents.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    AgentPodSpec, CaBundle, ContextItem, Credential, ExtraPort, LocalRef, Plugin, Proxy, Quota,
    RawJson, Skill, quantity, schema, unset,
};

/// Defaults for the Agents that use the template. Changes are applied to them immediately.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kubeopencode.io",
    version = "v1alpha1",
    kind = "AgentTemplate",
    namespaced,
    shortname = "agt",
    status = "AgentTemplateStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "Settings shared by the Agents of a namespace.",
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.executorImage", priority = 1),
    printcolumn(
        name = "WorkspaceDir",
        type_ = "string",
        json_path = ".spec.workspaceDir",
        priority = 1
    ),
    printcolumn(name = "ServiceAccount", type_ = "string", json_path = ".spec.serviceAccountName"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("oldSelf.hasValue() || self.metadata.name.size() <= 63").optional_old_self(true).message("metadata.name must have at most 63 characters: it labels the Agents that use the template")
)]
#[serde(rename_all = "camelCase")]
pub struct AgentTemplateSpec {
    /// Image that contains the OpenCode binary and copies it to $TOOLS_DIR.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 1024))]
    pub agent_image: Option<String>,

    /// Image that the agent's server runs in.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 1024))]
    pub executor_image: Option<String>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub attach_image: Option<String>,

    /// Absolute path of the working directory, WORKSPACE_DIR. If empty, it counts as not set.
    #[schemars(length(max = 1024), regex(pattern = schema::ABSOLUTE_PATH))]
    #[x_kube(
        validation = Rule::new("!self.split('/').exists(part, part == '..')").message("workspaceDir must not contain '..'"),
        validation = Rule::new("!(self in ['/tools', '/plugins', '/skills'])").message("workspaceDir must not be /tools, /plugins or /skills: they hold the agent's own files")
    )]
    pub workspace_dir: String,

    /// Name of the pod's ServiceAccount. If empty, it counts as not set.
    #[schemars(length(max = 253), regex(pattern = schema::SUBDOMAIN_OR_EMPTY))]
    pub service_account_name: String,

    /// Additional ports of the pod and the Service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    #[x_kube(
        validation = Rule::new("self.all(one, self.exists_one(other, other.name == one.name))").message("each name in extraPorts must be unique"),
        validation = Rule::new("self.all(one, self.exists_one(other, other.port == one.port && other.protocol == one.protocol))").message("each port in extraPorts must be unique for its protocol")
    )]
    pub extra_ports: Option<Vec<ExtraPort>>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(max = 4096)))]
    pub command: Option<Vec<String>>,

    /// Content given to the agent before it starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub contexts: Option<Vec<ContextItem>>,

    /// Skills cloned from Git repositories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.all(one, self.exists_one(other, other.name == one.name))").message("each name in skills must be unique: it is the folder that holds them"))]
    pub skills: Option<Vec<Skill>>,

    /// OpenCode plugins from an npm registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub plugins: Option<Vec<Plugin>>,

    /// OpenCode configuration, any JSON object, written to /tools/opencode.json. Skills and plugins are merged in without overwriting existing entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_object")]
    pub config: Option<RawJson>,

    /// Secrets made available to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub credentials: Option<Vec<Credential>>,

    /// Settings of the pod.
    #[serde(
        default,
        deserialize_with = "quantity::numbers_allowed",
        skip_serializing_if = "Option::is_none"
    )]
    // Boxed: it is larger than all the rest, and most have none.
    pub pod_spec: Option<Box<AgentPodSpec>>,

    /// CA certificates that every container trusts in addition to the system's.
    #[serde(default, rename = "caBundle", skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<CaBundle>,

    /// Proxy settings of every container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,

    /// Secrets with image registry credentials.
    #[serde(
        default,
        deserialize_with = "unset::without_blanks",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 32))]
    pub image_pull_secrets: Option<Vec<LocalRef>>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_tasks: Option<i32>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

/// Observed state of the AgentTemplate.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentTemplateStatus {
    /// Generation of the spec that was last reconciled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// Conditions of the AgentTemplate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(transform = schema::bare)]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
}
