//! Git repositories, for contexts and for skills.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::{Duration, LocalRef, schema, unset};

/// A Git repository, or a part of it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitContext {
    /// URL of the repository, https or ssh. If empty, git counts as not set.
    #[schemars(length(max = 2048), regex(pattern = schema::GIT_ARGUMENT_OR_EMPTY))]
    pub repository: String,

    /// Path within the repository to mount. If unset, the whole repository is mounted, including its .git directory.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("path must stay within the repository: remove '..'"))]
    pub path: Option<String>,

    /// Branch, tag or commit to check out. HEAD is the remote's default branch.
    #[serde(rename = "ref", default = "default_ref", deserialize_with = "reference")]
    #[schemars(length(max = 255), regex(pattern = schema::GIT_ARGUMENT_OR_EMPTY))]
    pub git_ref: String,

    /// Number of commits of history to fetch; 0 fetches the full history.
    #[serde(default = "default_depth")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub depth: u32,

    /// Whether to check out submodules.
    #[serde(default)]
    pub recurse_submodules: bool,

    /// Secret with the credentials: keys `username` and `password`, or `ssh-privatekey` and optionally `ssh-known-hosts` (or `known_hosts`).
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    pub secret_ref: Option<LocalRef>,

    /// Keeps the checkout up to date while the agent runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<GitSync>,
}

impl unset::Blank for GitContext {
    fn is_blank(&self) -> bool {
        self.repository.is_empty()
    }
}

fn default_ref() -> String {
    "HEAD".to_owned()
}

fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(unset::blank_is_unset(deserializer)?.unwrap_or_else(default_ref))
}

fn default_depth() -> u32 {
    1
}

/// How the checkout is kept up to date while the agent runs.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSync {
    /// Whether to sync the repository.
    #[serde(default)]
    pub enabled: bool,

    /// Interval between two syncs, such as 5m; between 1s and 24h. 0s is the default.
    #[serde(
        default = "default_interval",
        deserialize_with = "interval",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(extend("default" = "5m"), with = "Option<String>", length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) == duration('0s') || (duration(self) >= duration('1s') && duration(self) <= duration('24h'))").message("interval must be from 1s to 24h, as in 5m; set enabled to false to not follow the repository"))]
    pub interval: Option<Duration>,

    /// What happens when there is a new commit.
    #[serde(default)]
    pub policy: SyncPolicy,
}

fn default_interval() -> Option<Duration> {
    "5m".parse().ok()
}

fn interval<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let written = Option::<Duration>::deserialize(deserializer)?;
    Ok(written.filter(|interval| !interval.get().is_zero()).or_else(default_interval))
}

/// What happens when there is a new commit.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncPolicy {
    /// Update the files in place, without overwriting the agent's own edits.
    #[default]
    HotReload,
    /// Restart the pod, but not while a terminal is open.
    Rollout,
}

/// The Git repository that contains the skills.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillGit {
    /// URL of the repository, https or ssh.
    #[schemars(length(min = 1, max = 2048), regex(pattern = schema::GIT_ARGUMENT))]
    pub repository: String,

    /// Branch, tag or commit to check out. HEAD is the remote's default branch.
    #[serde(rename = "ref", default = "default_ref", deserialize_with = "reference")]
    #[schemars(length(max = 255), regex(pattern = schema::GIT_ARGUMENT_OR_EMPTY))]
    pub git_ref: String,

    /// Directory within the repository that contains the skills.
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("path must stay within the repository: remove '..'"))]
    pub path: Option<String>,

    /// Directories of the skills to use. If empty, all skills are used.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = Rule::new("self.all(name, !name.contains('/') && name != '.' && name != '..')").message("names are folders of the repository, without '/'"))]
    pub names: Vec<String>,

    /// Number of commits of history to fetch; 0 fetches the full history.
    #[serde(default = "default_depth")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub depth: u32,

    /// Whether to check out submodules.
    #[serde(default)]
    pub recurse_submodules: bool,

    /// Secret with the credentials: keys `username` and `password`, or `ssh-privatekey` and optionally `ssh-known-hosts` (or `known_hosts`).
    #[serde(
        default,
        deserialize_with = "unset::blank_is_unset",
        skip_serializing_if = "Option::is_none"
    )]
    pub secret_ref: Option<LocalRef>,
}
