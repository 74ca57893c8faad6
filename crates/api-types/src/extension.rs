//! Extensions of an agent: skills and plugins.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RawJson, SkillGit, schema};

/// Skills from a Git repository, mounted at /skills/{name} and added to skills.paths of the OpenCode configuration.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    /// Name of the skill source and of its directory. Must be unique within the list.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,

    /// The Git repository.
    pub git: SkillGit,
}

/// An OpenCode plugin from an npm registry, installed before the agent starts.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// npm package specifier, such as package, package@1.2.3 or @scope/package@^1.0.0.
    #[schemars(length(min = 1, max = 512), regex(pattern = schema::GIT_ARGUMENT))]
    pub name: String,

    /// Component of OpenCode that loads the plugin.
    #[serde(default)]
    pub target: PluginTarget,

    /// Options passed to the plugin unchanged; any JSON value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub options: Option<RawJson>,
}

/// Component of OpenCode that loads a plugin.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginTarget {
    /// The server: tools, authentication, events.
    #[default]
    Server,
    /// The terminal UI: commands, themes, views.
    Tui,
}
