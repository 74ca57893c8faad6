//! A checkout's files, each put in place as a whole: a reader sees the old content or the new.

use std::collections::BTreeSet;

use super::{
    error::GitError,
    folder::{Folder, split},
    index::{Index, Looks},
    objects::Objects,
    replace::{Replaced, Site},
    snapshot::{Leaf, LeafKind, Path, Snapshot},
};

/// A blob that stands for a file elsewhere begins so, by the specification of Git LFS.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1\n";

/// What checking files out showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) lfs_pointers: usize,
}

/// How far the files of a checkout were brought.
#[derive(Debug)]
pub(super) enum Updated {
    Whole(Written, Looks),
    /// The agent changed this one meanwhile: it is left alone, and so is what would have come after it.
    Changed(Path),
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

    /// Goes from `old` to `new`. Nothing is touched that is right already, or that is neither.
    pub(super) fn update(
        &self,
        index: &Index,
        objects: &Objects,
        old: &Snapshot,
        new: &Snapshot,
    ) -> Result<Updated, GitError> {
        for (path, leaf) in old.files.iter().filter(|(path, _)| !new.files.contains_key(*path)) {
            if !self.is_absent(path)?
                && (!index.is(self.work, path, leaf)?
                    || self.site(path).remove(leaf)? == Replaced::Changed)
            {
                return Ok(Updated::Changed(path.clone()));
            }
            self.work.remove_empty_above(path, |folder| new.has_submodule_beneath(folder));
        }
        let (mut written, mut looks) = (Written::default(), Looks::new());
        for (path, leaf) in &new.files {
            if let Some(look) = index.look(self.work, path, leaf)? {
                looks.insert(path.clone(), look);
                continue;
            }
            let old = old.files.get(path);
            let content = objects.blob(leaf.id)?;
            let is_pointer = leaf.kind != LeafKind::Link && content.starts_with(LFS_POINTER);
            match self.replace(index, path, (leaf, &content), old)? {
                Replaced::Changed => return Ok(Updated::Changed(path.clone())),
                Replaced::Done(look) => looks.extend(look.map(|look| (path.clone(), look))),
            }
            written.lfs_pointers += usize::from(is_pointer);
        }
        Ok(Updated::Whole(written, looks))
    }

    /// Looks before as well, so that the agent's work is not even moved.
    fn replace(
        &self,
        index: &Index,
        path: &[u8],
        (leaf, content): (&Leaf, &[u8]),
        old: Option<&Leaf>,
    ) -> Result<Replaced, GitError> {
        match old {
            Some(old) if !index.is(self.work, path, old)? => Ok(Replaced::Changed),
            old => self.site(path).put((leaf.kind, content), old),
        }
    }

    fn site<'a>(&'a self, path: &'a [u8]) -> Site<'a> {
        Site { work: self.work, scratch: self.scratch, path }
    }
}
