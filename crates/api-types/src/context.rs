//! What an agent is told before it starts.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{GitContext, LocalRef, schema};

/// Mode of context files where none is given.
pub const DEFAULT_CONTEXT_MODE: i32 = 0o644;

/// One piece of knowledge: mounted where mountPath says, else appended to .kubeopencode/context.md of the working directory.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.type == 'Text') == has(self.text)").message("text must be set for type Text, and for no other type").field_path(".text"),
    validation = Rule::new("(self.type == 'ConfigMap') == has(self.configMap)").message("configMap must be set for type ConfigMap, and for no other type").field_path(".configMap"),
    validation = Rule::new("(self.type == 'Git') == has(self.git)").message("git must be set for type Git, and for no other type").field_path(".git"),
    validation = Rule::new("(self.type == 'URL') == has(self.url)").message("url must be set for type URL, and for no other type").field_path(".url"),
    validation = Rule::new("!has(self.runtime) || self.type == 'Runtime'").message("runtime may be set for type Runtime only").field_path(".runtime"),
    validation = Rule::new("self.type != 'Git' || has(self.mountPath)").message("mountPath must be set for type Git: a repository is a directory").field_path(".mountPath")
)]
pub struct ContextItem {
    /// Name of the context, shown to the agent and in status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub name: Option<String>,

    /// What the context is for; without effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 4096))]
    pub description: Option<String>,

    /// Where the content comes from.
    #[serde(rename = "type")]
    pub kind: ContextType,

    /// Path of the file or directory, absolute or from the working directory. Runtime ignores it and is always appended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1024), regex(pattern = schema::MOUNT_PATH))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("mountPath must not contain '..'"))]
    pub mount_path: Option<String>,

    /// Mode of the mounted files, 0644 where absent; YAML reads 0755 as octal, JSON needs 493.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 511))]
    pub file_mode: Option<i32>,

    /// The content itself, for type Text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 524_288))]
    pub text: Option<String>,

    /// Content of a ConfigMap, for type ConfigMap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map: Option<ConfigMapContext>,

    /// Content of a repository, for type Git.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub git: Option<GitContext>,

    /// Tells the agent where it runs, for type Runtime; it has no settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<RuntimeContext>,

    /// Content of a web address, for type URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<UrlContext>,
}

/// Where a context's content comes from.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContextType {
    /// Written in the manifest.
    #[default]
    Text,
    /// Of a ConfigMap in the Agent's namespace.
    ConfigMap,
    /// Of a repository.
    Git,
    /// Made by the controller: where the agent runs.
    Runtime,
    /// Fetched from a web address before the agent starts.
    #[serde(rename = "URL")]
    Url,
}

impl ContextType {
    /// As manifests spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::ConfigMap => "ConfigMap",
            Self::Git => "Git",
            Self::Runtime => "Runtime",
            Self::Url => "URL",
        }
    }
}

/// A ConfigMap, or one key of it.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigMapContext {
    /// Name of the ConfigMap.
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::SUBDOMAIN))]
    pub name: String,

    /// The one key meant; all keys, as a directory, where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253), regex(pattern = schema::DATA_KEY))]
    pub key: Option<String>,

    /// Whether the agent starts without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub optional: Option<bool>,
}

/// Tells the agent where it runs.
#[derive(KubeSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuntimeContext {}

/// A web address, fetched by the pod before the agent starts; at most 8 MiB.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UrlContext {
    /// The address, http or https.
    #[schemars(length(min = 1, max = 2048), regex(pattern = r"^https?://[^\s/]+\S*$"))]
    pub source: String,

    /// Headers of the request.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64))]
    pub headers: BTreeMap<String, String>,

    /// Secret with `token` (Bearer), or `username` and `password` (Basic); it wins over a header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,

    /// Accepts any certificate: for tests only.
    #[serde(default, rename = "insecureSkipTLSVerify")]
    pub insecure_skip_tls_verify: bool,

    /// Seconds until the request is given up.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 3600))]
    pub timeout: u32,
}

fn default_timeout() -> u32 {
    30
}
