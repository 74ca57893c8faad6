//! Where the files of a checkout and its repository are.

use super::{
    error::GitError,
    folder::Folder,
    snapshot::{Path, Snapshot},
    submodules::Described,
};

/// Where a checkout is: the folder, or the single file, called `name` in `parent`.
pub(super) struct Place {
    pub(super) parent: Folder,
    pub(super) name: Path,
    /// Its repository.
    pub(super) meta: Folder,
    /// The path of its `.git` from `meta`, where the agent's git is to find it.
    pub(super) visible: Option<Visible>,
}

/// How `.git` and files find each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Visible {
    /// `.git` is in the folder.
    Inside,
    /// `.git` is a file that names the repository; each by its path from the other.
    Linked { repository: String, worktree: String },
}

impl Place {
    /// The folder that paths start from.
    pub(super) fn work(&self, is_file: bool) -> Result<Folder, GitError> {
        let opened =
            if is_file { self.parent.descend(b"") } else { self.parent.ensure(&self.name) };
        opened.map_err(GitError::target("the checkout"))
    }

    /// A single file is called as the target is.
    pub(super) fn named(&self, mut snapshot: Snapshot) -> Snapshot {
        if let Some(leaf) = snapshot.files.remove(&vec![]) {
            snapshot.files.insert(self.name.clone(), leaf);
        }
        snapshot
    }
}

impl Visible {
    /// Of a submodule at `at`, whose repository lies below this one's.
    pub(super) fn nested(&self, described: &Described, at: &[u8]) -> Self {
        let at = String::from_utf8_lossy(at);
        let up = |path: &str| "../".repeat(path.split('/').count());
        let name = &described.name;
        match self {
            Self::Inside => Self::Linked {
                repository: format!("{}.git/modules/{name}", up(&at)),
                // Out of `.git/modules/{name}`.
                worktree: format!("{}../../{at}", up(name)),
            },
            Self::Linked { repository, worktree } => Self::Linked {
                repository: format!("{}{repository}/modules/{name}", up(&at)),
                worktree: format!("{}../{worktree}/{at}", up(name)),
            },
        }
    }
}
