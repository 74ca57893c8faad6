//! The files that a commit puts into a folder: all of them, or those that the job selects.

use std::collections::BTreeMap;

use agent_jobs::{Reference, RelativePath};
use gix_hash::ObjectId;
use gix_object::{bstr::ByteSlice, tree::EntryKind};
use gix_validate::path::component;

use super::{error::GitError, objects::Objects};

/// What a folder of a hostile repository may unfold to.
const FILES_MAX: usize = 1_000_000;
const DEPTH_MAX: usize = 100;

/// A path from a repository's root, or from a checkout's.
pub(super) type Path = Vec<u8>;

/// Part of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// A file or folder; none is the whole.
    pub(super) path: Path,
    /// If not empty: only these entries of it.
    pub(super) entries: Vec<Path>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LeafKind {
    File,
    Executable,
    Link,
}

/// A file of a checkout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) kind: LeafKind,
    pub(super) id: ObjectId,
}

/// A repository within the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Submodule {
    /// In its repository, where `.gitmodules` names it.
    pub(super) path: Path,
    /// In the checkout; empty for all of it.
    pub(super) at: Path,
    pub(super) commit: ObjectId,
    pub(super) selection: Selection,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Snapshot {
    pub(super) files: BTreeMap<Path, Leaf>,
    pub(super) submodules: Vec<Submodule>,
    /// Set where `path` names a single file: it is the only one, and its path is empty.
    pub(super) is_file: bool,
}

impl Selection {
    pub(super) fn new(path: Option<&RelativePath>, entries: &[RelativePath]) -> Self {
        let bytes = |path: &RelativePath| path.as_str().as_bytes().to_vec();
        Self {
            path: path.map(bytes).unwrap_or_default(),
            entries: entries.iter().map(bytes).collect(),
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.path.is_empty() && self.entries.is_empty()
    }

    /// Whether what is at `path` of the selected folder, or something beneath it, is selected.
    fn touches(&self, path: &[u8]) -> bool {
        let is = |entry: &Path| beneath(path, entry) || beneath(entry, path);
        self.entries.is_empty() || self.entries.iter().any(is)
    }

    /// Of a repository that lies at `path` of the selected folder.
    fn within(&self, path: &[u8]) -> Self {
        let rest = |entry: &Path| match entry.strip_prefix(path)? {
            [] => Some(vec![]),
            [b'/', rest @ ..] => Some(rest.to_vec()),
            _ => None,
        };
        let mut entries: Vec<_> = self.entries.iter().filter_map(rest).collect();
        if entries.iter().any(Vec::is_empty) {
            entries.clear();
        }
        Self { path: vec![], entries }
    }
}

/// Whether `path` is `folder` or lies in it.
fn beneath(path: &[u8], folder: &[u8]) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
}

pub(super) fn join(folder: &[u8], name: &[u8]) -> Path {
    if folder.is_empty() { name.to_vec() } else { [folder, b"/", name].concat() }
}

impl Snapshot {
    /// Whether a submodule is to be in a folder of the checkout, or is the folder.
    pub(super) fn has_submodule_beneath(&self, folder: &[u8]) -> bool {
        self.submodules.iter().any(|submodule| beneath(&submodule.at, folder))
    }

    pub(super) fn of(
        objects: &Objects,
        commit: ObjectId,
        selection: &Selection,
        reference: &Reference,
    ) -> Result<Self, GitError> {
        let absent = |path: &[u8]| GitError::UnknownPath {
            path: String::from_utf8_lossy(path).into_owned(),
            reference: reference.as_str().to_owned(),
        };
        let mut walk = Walk { objects, selection, found: Self::default() };
        let root = objects.root_of(commit)?;
        match walk.locate(root)? {
            Located::Folder(tree) => walk.tree(tree, &selection.path, &[], 0)?,
            Located::Other => {}
            Located::Nothing => return Err(absent(&selection.path)),
        }
        let found = walk.found;
        let has = |entry: &Path| {
            found.files.keys().any(|path| beneath(path, entry))
                || found
                    .submodules
                    .iter()
                    .any(|sub| beneath(&sub.at, entry) || beneath(entry, &sub.at))
        };
        match selection.entries.iter().find(|entry| !has(entry)) {
            Some(missing) => Err(absent(&join(&selection.path, missing))),
            None => Ok(found),
        }
    }
}

/// What is at a path.
enum Located {
    Nothing,
    Folder(ObjectId),
    /// A file or submodule.
    Other,
}

struct Walk<'a> {
    objects: &'a Objects,
    selection: &'a Selection,
    found: Snapshot,
}

impl Walk<'_> {
    /// What is at the selection's path. A file or submodule there is all that is found.
    fn locate(&mut self, root: ObjectId) -> Result<Located, GitError> {
        let mut tree = root;
        let path = &self.selection.path;
        let mut done = 0;
        for name in path.split_str("/").filter(|name| !name.is_empty()) {
            let entries = self.objects.entries(tree)?;
            let Some((_, kind, id)) = entries.into_iter().find(|(entry, ..)| *entry == name) else {
                return Ok(Located::Nothing);
            };
            done += name.len() + usize::from(done > 0);
            let (here, rest) = path.split_at(done);
            let rest = rest.strip_prefix(b"/").unwrap_or(rest);
            match leaf_kind(kind) {
                _ if kind == EntryKind::Tree => tree = id,
                None => {
                    let entries = self.selection.entries.clone();
                    let selection = Selection { path: rest.to_vec(), entries };
                    let sub = Submodule { path: here.to_vec(), at: vec![], commit: id, selection };
                    self.found.submodules.push(sub);
                    return Ok(Located::Other);
                }
                Some(kind) if rest.is_empty() => {
                    self.found.files.insert(vec![], Leaf { kind, id });
                    self.found.is_file = true;
                    return Ok(Located::Other);
                }
                Some(_) => return Ok(Located::Nothing),
            }
        }
        Ok(Located::Folder(tree))
    }

    /// Adds what lies in a folder that is at `path` in the repository, and at `at` in the checkout.
    fn tree(
        &mut self,
        tree: ObjectId,
        path: &[u8],
        at: &[u8],
        depth: usize,
    ) -> Result<(), GitError> {
        if depth > DEPTH_MAX || self.found.files.len() > FILES_MAX {
            return Err(GitError::Data("it unfolds to too many files or folders".into()));
        }
        for (name, kind, id) in self.objects.entries(tree)? {
            check(&name, kind)?;
            let (path, at) = (join(path, &name), join(at, &name));
            if !self.selection.touches(&at) {
                continue;
            }
            match leaf_kind(kind) {
                _ if kind == EntryKind::Tree => self.tree(id, &path, &at, depth + 1)?,
                Some(kind) => {
                    self.found.files.insert(at, Leaf { kind, id });
                }
                None => {
                    let selection = self.selection.within(&at);
                    self.found.submodules.push(Submodule { path, at, commit: id, selection });
                }
            }
        }
        Ok(())
    }
}

/// None for a folder and for a submodule.
fn leaf_kind(kind: EntryKind) -> Option<LeafKind> {
    match kind {
        EntryKind::Blob => Some(LeafKind::File),
        EntryKind::BlobExecutable => Some(LeafKind::Executable),
        EntryKind::Link => Some(LeafKind::Link),
        EntryKind::Tree | EntryKind::Commit => None,
    }
}

/// Refuses names that are no plain ones, and `.git` in any spelling that some file system takes for it.
fn check(name: &[u8], kind: EntryKind) -> Result<(), GitError> {
    let mode = (kind == EntryKind::Link).then_some(component::Mode::Symlink);
    // Colons and backslashes are common in names on Linux.
    let options = component::Options { protect_windows: false, ..Default::default() };
    match component(name.as_bstr(), mode, options) {
        Ok(_) if name.contains(&0) => Err(GitError::Data("a file's name contains NUL".into())),
        Ok(_) => Ok(()),
        Err(error) => Err(GitError::data(format!("{error}: {:?}", name.as_bstr()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_leave_the_folder_or_reach_into_git_are_refused() {
        for name in [
            "",
            ".",
            "..",
            ".git",
            ".GIT",
            ".Git",
            "git~1",
            ".git.",
            ".git ",
            "a/b",
            ".g\u{200c}it",
        ] {
            assert!(check(name.as_bytes(), EntryKind::Blob).is_err(), "{name:?}");
        }
        assert!(check(b"a\0b", EntryKind::Blob).is_err());
        assert!(check(b".gitmodules", EntryKind::Link).is_err());
        for name in [".gitignore", ".gitmodules", ".github", "a:b", "a\\b", "...", "ü"] {
            assert!(check(name.as_bytes(), EntryKind::Blob).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_selection_reaches_into_a_submodule() {
        let of = |entries: &[&str]| Selection {
            path: vec![],
            entries: entries.iter().map(|entry| entry.as_bytes().to_vec()).collect(),
        };
        assert_eq!(of(&["lib/a", "other"]).within(b"lib"), of(&["a"]));
        assert_eq!(of(&["lib", "lib/a"]).within(b"lib"), of(&[]));
        assert!(of(&["a/b"]).touches(b"a") && of(&["a"]).touches(b"a/b"));
        assert!(!of(&["a"]).touches(b"ab") && !of(&["ab"]).touches(b"a"));
    }
}
