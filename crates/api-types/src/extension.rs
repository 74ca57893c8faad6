//! What an agent can do beyond its own tools: skills and plugins.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{SkillGit, schema};

/// Skills of one repository, mounted at /skills/{name} and added to the configuration's `skills.paths`.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skill {
    /// Name of the source and of its folder, unique in the list.
    #[schemars(length(min = 1, max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"))]
    pub name: String,

    /// The repository.
    pub git: SkillGit,
}

/// An OpenCode plugin from an npm registry, installed before the agent starts.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plugin {
    /// What to install, as npm understands it: `package`, `package@1.2.3`, `@scope/package@^1.0.0`.
    #[schemars(length(min = 1, max = 512), regex(pattern = schema::GIT_ARGUMENT))]
    pub name: String,

    /// Which side of OpenCode loads it.
    #[serde(default)]
    pub target: PluginTarget,

    /// Handed to the plugin as it is; any JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "schema::any_value")]
    pub options: Option<Value>,
}

/// The side of OpenCode that loads a plugin.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PluginTarget {
    /// The server: tools, authentication, events.
    #[default]
    Server,
    /// The terminal: commands, themes, views.
    Tui,
}
