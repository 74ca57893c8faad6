//! What git-init clones and git-sync keeps up to date.

use serde::{Deserialize, Serialize};

use crate::{Reference, RelativePath, Repository, Target};

/// For `agent-tools git-init` and `agent-tools git-sync`: one repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(clippy::struct_excessive_bools, reason = "fields of a document, each on its own")]
pub struct GitJob {
    /// Name of the context or skill: of its entry in `gitSyncStatuses`, too.
    pub name: String,
    pub repository: Repository,
    pub reference: Reference,
    /// Commits of history to fetch; 0 fetches all of it.
    pub depth: u32,
    #[serde(default)]
    pub recurse_submodules: bool,
    /// A file or folder of the repository. With one, the target has no `.git`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelativePath>,
    /// If not empty: only these entries of the folder (skills) are visible at the target.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<RelativePath>,
    /// The folder that holds the checkout; or the file, where `path` names one.
    pub target: Target,
    /// Folder in which the credentials' Secret is mounted, one file a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<String>,
    /// Whether the target lies on a volume that outlives its containers: what is there already is fast-forwarded
    /// where it is clean, and never reset.
    #[serde(default)]
    pub persistent: bool,
    /// Whether the volume outlives the pod, too. Where it does not, a new pod has nothing of what is at the target
    /// but what the repository gives it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outlives_pod: bool,
    /// Whether the agent's container has the target itself mounted: one that is a single file stays for it what it was
    /// when the container started.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_mount: bool,
    /// What else the agent's pod writes beneath the target, such as a context's file: none of it is the agent's work.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<RelativePath>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sync: Option<Sync>,
    /// Folder of this job alone, which outlives its containers: host keys that were accepted, the last report, and of
    /// a target without `.git` what git needs for an update. The agent does not see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "as serde calls it")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How the checkout follows its repository while the agent runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sync {
    pub interval_seconds: u32,
    pub policy: SyncPolicy,
}

/// What git-sync does about a new commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncPolicy {
    /// Updates the files of a clean tree in place.
    HotReload,
    /// Only reports it: the controller restarts the pod.
    Rollout,
}
