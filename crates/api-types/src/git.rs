//! Repositories that an agent is given, for contexts and for skills.

use std::time;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, LocalRef, schema};

/// What is checked out where nothing is said: the remote's default branch.
pub const DEFAULT_REF: &str = "HEAD";

/// How often a remote is asked where nothing is said.
pub const DEFAULT_SYNC_INTERVAL: time::Duration = time::Duration::from_mins(5);

/// A repository, or a part of it.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GitContext {
    /// Address of the repository, by https or ssh.
    #[schemars(length(min = 1, max = 2048), regex(pattern = schema::GIT_ARGUMENT))]
    pub repository: String,

    /// The part to mount, counted from the repository's root. Without it the whole is mounted, with its .git directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("path must stay within the repository: remove '..'"))]
    pub path: Option<String>,

    /// Branch, tag or commit to check out.
    #[serde(rename = "ref", default = "default_ref")]
    #[schemars(length(min = 1, max = 255), regex(pattern = schema::GIT_ARGUMENT))]
    pub git_ref: String,

    /// How many commits of history to fetch; 0 fetches all.
    #[serde(default = "default_depth")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub depth: u32,

    /// Whether submodules are checked out too.
    #[serde(default)]
    pub recurse_submodules: bool,

    /// Secret with `username` and `password`, or with `ssh-privatekey` and optionally `known_hosts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,

    /// Follows the repository while the agent runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<GitSync>,
}

fn default_ref() -> String {
    DEFAULT_REF.to_owned()
}

fn default_depth() -> u32 {
    1
}

impl GitContext {
    /// The whole of `repository` at its default branch, one commit deep.
    pub fn new(repository: impl Into<String>) -> Self {
        Self {
            repository: repository.into(),
            path: None,
            git_ref: default_ref(),
            depth: default_depth(),
            recurse_submodules: false,
            secret_ref: None,
            sync: None,
        }
    }
}

/// How a running agent follows a repository.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitSync {
    /// Whether it follows at all.
    #[serde(default)]
    pub enabled: bool,

    /// How often the remote is asked, as in 5m: from 1s to 24h.
    #[serde(default = "default_interval", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "5m"), with = "Option<String>", length(max = 32), regex(pattern = schema::DURATION))]
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('24h')").message("interval must be from 1s to 24h, as in 5m; set enabled to false to not follow the repository"))]
    pub interval: Option<Duration>,

    /// What a new commit does.
    #[serde(default)]
    pub policy: SyncPolicy,
}

impl GitSync {
    /// How often the remote is asked.
    pub fn interval(&self) -> time::Duration {
        self.interval.as_ref().map_or(DEFAULT_SYNC_INTERVAL, Duration::get)
    }
}

fn default_interval() -> Option<Duration> {
    "5m".parse().ok()
}

/// What a new commit of a followed repository does.
#[derive(JsonSchema, Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncPolicy {
    /// Updates files in place, never over the agent's own edits.
    #[default]
    HotReload,
    /// Restarts the pod, but not while a terminal is open.
    Rollout,
}

/// The repository a skill comes from.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SkillGit {
    /// Address of the repository, by https or ssh.
    #[schemars(length(min = 1, max = 2048), regex(pattern = schema::GIT_ARGUMENT))]
    pub repository: String,

    /// Branch, tag or commit to check out.
    #[serde(rename = "ref", default = "default_ref")]
    #[schemars(length(min = 1, max = 255), regex(pattern = schema::GIT_ARGUMENT))]
    pub git_ref: String,

    /// The folder that holds the skills, counted from the repository's root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    #[x_kube(validation = Rule::new("!self.split('/').exists(part, part == '..')").message("path must stay within the repository: remove '..'"))]
    pub path: Option<String>,

    /// The skills to show, by folder; all where absent or empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 128), inner(length(min = 1, max = 253)))]
    #[x_kube(validation = Rule::new("self.all(name, !name.contains('/') && name != '.' && name != '..')").message("names are folders of the repository, without '/'"))]
    pub names: Vec<String>,

    /// How many commits of history to fetch; 0 fetches all.
    #[serde(default = "default_depth")]
    #[schemars(range(min = 0, max = 2_147_483_647))]
    pub depth: u32,

    /// Whether submodules are checked out too.
    #[serde(default)]
    pub recurse_submodules: bool,

    /// Secret with `username` and `password`, or with `ssh-privatekey` and optionally `known_hosts`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<LocalRef>,
}
