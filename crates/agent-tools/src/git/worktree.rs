//! A checkout's files, each put in place as a whole: a reader sees the old content or the new.

use std::collections::BTreeSet;

use super::{
    error::GitError,
    folder::{Folder, split},
    index::Index,
    objects::Objects,
    snapshot::{LeafKind, Path, Snapshot},
};

/// A blob that stands for a file elsewhere begins so, by the specification of Git LFS.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// What checking files out showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) lfs_pointers: usize,
}

pub(super) struct Worktree<'a> {
    pub(super) work: &'a Folder,
    /// On the same volume; receives each file first.
    pub(super) scratch: &'a Folder,
}

impl Worktree<'_> {
    /// The first path where the agent's own work would be lost by going from `old` to `new`. What is as in `new`
    /// already is no loss, as an update that was cut short leaves it.
    pub(super) fn edited(
        &self,
        index: &Index,
        old: &Snapshot,
        new: &Snapshot,
    ) -> Result<Option<Path>, GitError> {
        let paths: BTreeSet<_> = old.files.keys().chain(new.files.keys()).collect();
        for path in paths {
            let is = |leaf| index.is(self.work, path, leaf);
            let is_expected = match (old.files.get(path), new.files.get(path)) {
                (Some(old), Some(new)) => is(old)? || is(new)?,
                (Some(old), None) => is(old)? || self.is_absent(path)?,
                (None, Some(new)) => self.is_free(path, old)? || is(new)?,
                (None, None) => true,
            };
            if !is_expected {
                return Ok(Some(path.clone()));
            }
        }
        Ok(None)
    }

    fn is_absent(&self, path: &[u8]) -> Result<bool, GitError> {
        Ok(self.work.stat(path).map_err(GitError::target("the checkout"))?.is_none())
    }

    /// Whether a new file can be put at `path` once the files of `old` are gone.
    fn is_free(&self, path: &[u8], old: &Snapshot) -> Result<bool, GitError> {
        let is_ours = |path: &[u8]| {
            let inside = [path, b"/"].concat();
            let next = old.files.range(inside.clone()..).next();
            old.files.contains_key(path) || next.is_some_and(|(next, _)| next.starts_with(&inside))
        };
        let mut above = split(path).0;
        while !above.is_empty() {
            if !self.is_absent(above)? && self.work.descend(above).is_err() && !is_ours(above) {
                return Ok(false);
            }
            above = split(above).0;
        }
        Ok(self.is_absent(path)? || is_ours(path))
    }

    /// Goes from `old` to `new`. Nothing is touched that is right already.
    pub(super) fn update(
        &self,
        index: &Index,
        objects: &Objects,
        old: &Snapshot,
        new: &Snapshot,
    ) -> Result<Written, GitError> {
        for path in old.files.keys().filter(|path| !new.files.contains_key(*path)) {
            self.work.remove(path).map_err(at(path))?;
        }
        let mut written = Written::default();
        for (path, leaf) in &new.files {
            if index.is(self.work, path, leaf)? {
                continue;
            }
            let content = objects.blob(leaf.id)?;
            let mode = match leaf.kind {
                LeafKind::File => 0o666,
                LeafKind::Executable => 0o777,
                LeafKind::Link => {
                    self.work.place_link(path, &content, self.scratch).map_err(at(path))?;
                    continue;
                }
            };
            written.lfs_pointers += usize::from(content.starts_with(LFS_POINTER));
            self.work.place(path, &content, mode, self.scratch).map_err(at(path))?;
        }
        Ok(written)
    }
}

fn at(path: &[u8]) -> impl FnOnce(std::io::Error) -> GitError + '_ {
    move |source| GitError::Target { path: String::from_utf8_lossy(path).into_owned(), source }
}
