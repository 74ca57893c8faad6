//! Files in a checkout that neither its commit has, nor git is told to ignore, nor anybody else writes: the agent's.

use rustix::fs::FileType;

use super::{
    error::GitError,
    folder::Folder,
    ignored::Ignored,
    snapshot::{Path, Snapshot, join},
};

const DEPTH_MAX: usize = 200;

pub(super) struct Untracked<'a> {
    /// What is checked out.
    pub(super) here: &'a Snapshot,
    /// Whether something is looked after elsewhere, with all beneath it.
    pub(super) is_others: &'a dyn Fn(&[u8]) -> bool,
}

impl Untracked<'_> {
    /// The first of them, or a repository of the agent's own. `meta` is the checkout's repository.
    pub(super) fn first(&self, work: &Folder, meta: &Folder) -> Result<Option<Path>, GitError> {
        let failed = GitError::target(".git");
        let mut ignored = Ignored::default();
        let exclude = meta.read_small(b"info/exclude").map_err(failed)?;
        ignored.push(b"", &exclude.unwrap_or_default());
        self.within(work, &[], &mut ignored, 0)
    }

    fn within(
        &self,
        folder: &Folder,
        at: &[u8],
        ignored: &mut Ignored,
        depth: usize,
    ) -> Result<Option<Path>, GitError> {
        let failed =
            |source| GitError::Target { path: String::from_utf8_lossy(at).into_owned(), source };
        if depth > DEPTH_MAX {
            return Ok(Some(at.to_vec()));
        }
        let list = folder.read_small(b".gitignore").map_err(failed)?;
        ignored.push(at, &list.unwrap_or_default());
        let mut entries = folder.entries().map_err(failed)?;
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (name, _) in entries {
            let path = join(at, &name);
            if name == b".git" && !at.is_empty() {
                return Ok(Some(at.to_vec()));
            }
            if name == b".git" || is_ours(&name) || (self.is_others)(&path) {
                continue;
            }
            // It may be gone meanwhile.
            let Some(stat) = folder.stat(&name).map_err(failed)? else { continue };
            let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
            if self.here.files.contains_key(&path) || ignored.has(&path, is_folder) {
                continue;
            }
            if !is_folder {
                return Ok(Some(path));
            }
            let inner = folder.child(&name).map_err(failed)?;
            if let Some(found) = self.within(&inner, &path, ignored, depth + 1)? {
                return Ok(Some(found));
            }
        }
        ignored.pop();
        Ok(None)
    }
}

/// A folder that we keep beside a checkout.
fn is_ours(name: &[u8]) -> bool {
    name.starts_with(b".") && name.ends_with(b".kubeopencode")
}
