//! The `Agent` custom resource: one AI agent, its pod and its share link.

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

use crate::{
    AgentPodSpec, AgentStatus, CaBundle, ContextItem, Credential, ExtraPort, LocalRef, Persistence,
    Plugin, Proxy, Quota, RawJson, ShareSpec, Skill, Standby, TemplateRef, names, quantity, schema,
    unset,
};

/// Desired state of the Agent. Unset fields are taken from the template, if there is one.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "kubeopencode.io",
    version = "v1alpha1",
    kind = "Agent",
    namespaced,
    shortname = "ag",
    status = "AgentStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "An AI coding agent that runs as a live pod, and whose terminal can be shared by a link.",
    printcolumn(name = "Profile", type_ = "string", json_path = ".spec.profile", priority = 1),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.executorImage", priority = 1),
    printcolumn(name = "ServiceAccount", type_ = "string", json_path = ".spec.serviceAccountName"),
    printcolumn(name = "Ready", type_ = "boolean", json_path = ".status.ready"),
    printcolumn(
        name = "Share",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"ShareReady\")].reason"
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("oldSelf.hasValue() || self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')").optional_old_self(true).message("metadata.name is also the name of the Service: at most 63 characters of a-z, 0-9 and '-', beginning with a letter and ending with a letter or digit")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.extraPorts) || self.extraPorts.all(extra, extra.port != self.port || extra.protocol == 'UDP')").message("extraPorts must not repeat spec.port, which the server uses: choose another port").field_path(".extraPorts")
)]
pub struct AgentSpec {
    /// The AgentTemplate from which unset fields are taken.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    pub template_ref: Option<TemplateRef>,

    /// Description of the agent's purpose, for humans only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub profile: Option<String>,

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

    /// Absolute path of the working directory, WORKSPACE_DIR. Defaults to /workspace.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 1024), regex(pattern = schema::ABSOLUTE_PATH))]
    #[x_kube(
        validation = Rule::new("!self.split('/').exists(part, part == '..')").message("workspaceDir must not contain '..'"),
        validation = Rule::new("!(self in ['/tools', '/plugins', '/skills'])").message("workspaceDir must not be /tools, /plugins or /skills: they hold the agent's own files")
    )]
    pub workspace_dir: Option<String>,

    /// Name of the pod's ServiceAccount. Defaults to default.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 253), regex(pattern = schema::SUBDOMAIN_OR_EMPTY))]
    pub service_account_name: Option<String>,

    /// Port of the agent's server, in the pod and on the Service.
    #[serde(default = "default_port", skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: Option<u16>,

    /// Additional ports of the pod and the Service. Replaces the template's list, even if empty.
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

    /// Content given to the agent before it starts. Replaces the template's list, even if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub contexts: Option<Vec<ContextItem>>,

    /// Skills cloned from Git repositories. Replaces the template's list, even if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self.all(one, self.exists_one(other, other.name == one.name))").message("each name in skills must be unique: it is the folder that holds them"))]
    pub skills: Option<Vec<Skill>>,

    /// OpenCode plugins from an npm registry. Replaces the template's list, even if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub plugins: Option<Vec<Plugin>>,

    /// OpenCode configuration, any JSON object, written to /tools/opencode.json. Skills and plugins are merged in without overwriting existing entries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_object")]
    pub config: Option<RawJson>,

    /// Secrets made available to the agent. Replaces the template's list, even if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub credentials: Option<Vec<Credential>>,

    /// Settings of the pod. Replaces the template's entirely.
    #[serde(
        default,
        deserialize_with = "quantity::numbers_allowed",
        skip_serializing_if = "Option::is_none"
    )]
    // Boxed: it is larger than all the rest, and most have none.
    pub pod_spec: Option<Box<AgentPodSpec>>,

    /// CA certificates that every container trusts in addition to the system's. Replaces the template's entirely.
    #[serde(default, rename = "caBundle", skip_serializing_if = "Option::is_none")]
    pub ca_bundle: Option<CaBundle>,

    /// Proxy settings of every container. Replaces the template's entirely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,

    /// Secrets with image registry credentials. Replaces the template's list, even if empty.
    #[serde(
        default,
        deserialize_with = "unset::without_blanks",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 32))]
    pub image_pull_secrets: Option<Vec<LocalRef>>,

    /// Persistent volumes of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,

    /// Whether to stop the agent's pod. Its Service and volumes are kept.
    #[serde(default)]
    pub suspend: bool,

    /// Suspends the agent automatically while nobody is connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<Standby>,

    /// A link that opens the agent's terminal without cluster credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<ShareSpec>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_concurrent_tasks: Option<i32>,

    /// Reserved for task runners; no effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
}

#[expect(clippy::unnecessary_wraps, reason = "serde wants the field's own type")]
fn default_port() -> Option<u16> {
    Some(names::DEFAULT_PORT)
}

impl AgentSpec {
    /// The server's port, which the API server fills in where it was left out.
    pub fn server_port(&self) -> u16 {
        self.port.unwrap_or(names::DEFAULT_PORT)
    }

    /// Whether the share link is turned on.
    pub fn is_shared(&self) -> bool {
        self.share.as_ref().is_some_and(|share| share.enabled)
    }
}
