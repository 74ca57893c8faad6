//! What the agent made of a checkout that an update would lose.

use std::collections::{BTreeSet, VecDeque};

use gix_hash::ObjectId;

use super::{
    checkout::Mode,
    dot_git::{DotGit, Head},
    error::GitError,
    folder::Folder,
    index::Index,
    objects::Objects,
    snapshot::{Path, Snapshot},
    tip::Tip,
};

/// Why the checkout must stay where it is, if it must.
pub(super) fn ahead(
    meta: &Folder,
    objects: &Objects,
    head: &Head,
    (at, to): (ObjectId, ObjectId),
    (tip, mode): (&Tip, Mode),
) -> Result<Option<String>, GitError> {
    if head.branch != tip.branch {
        let name = |branch: &Option<String>| branch.clone().unwrap_or("no branch".into());
        let (here, followed) = (name(&head.branch), name(&tip.branch));
        return Ok(Some(format!("{here} is checked out here, not {followed}")));
    }
    let is_behind = is_part_of(objects, at, &[to]);
    if DotGit(meta).synced()? != Some(at) && !is_behind {
        return Ok(Some("it has commits of its own".into()));
    }
    let is_rewritten = mode == Mode::FastForward && !is_behind;
    Ok(is_rewritten.then(|| "its history was rewritten at the server".into()))
}

/// A path whose entry in the index is neither of the commits': what the agent wants to commit.
pub(super) fn staged(index: &Index, old: &Snapshot, new: &Snapshot) -> Option<Path> {
    if index.is_odd {
        return Some(b"the index".to_vec());
    }
    let entries = index.files();
    let paths: BTreeSet<_> = entries.keys().chain(old.files.keys()).collect();
    let is_expected = |path: &&&Path| {
        let entry = entries.get(**path);
        entry == old.files.get(**path) || entry == new.files.get(**path)
    };
    paths.iter().find(|path| !is_expected(path)).map(|path| (**path).clone())
}

/// Whether a commit is one of `new` or comes before one, as far as history is there.
pub(super) fn is_part_of(objects: &Objects, old: ObjectId, new: &[ObjectId]) -> bool {
    const COMMITS_MAX: usize = 200_000;
    let mut seen: BTreeSet<_> = new.iter().copied().collect();
    let mut next: VecDeque<_> = seen.iter().copied().collect();
    while let Some(commit) = next.pop_front() {
        if commit == old {
            return true;
        }
        if seen.len() > COMMITS_MAX {
            return false;
        }
        next.extend(objects.parents(commit).into_iter().filter(|parent| seen.insert(*parent)));
    }
    false
}
