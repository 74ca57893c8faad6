//! Reads a repository's objects. They may be anybody's: nothing is taken on trust but their form.

use gix_hash::ObjectId;
use gix_object::{FindExt, Kind, bstr::BString, tree::EntryKind};

use super::{error::GitError, folder::Folder};

/// Tags may name tags.
const TAGS_MAX: usize = 8;

pub(super) struct Objects {
    handle: gix_odb::Handle,
    /// The library reaches the objects through it.
    _folder: Folder,
}

impl Objects {
    /// The objects of a repository.
    pub(super) fn open(meta: &Folder) -> Result<Self, GitError> {
        let opened = || {
            let folder = meta.ensure(b"objects")?;
            let handle = gix_odb::at(folder.path(), gix_hash::Kind::Sha1)?;
            Ok(Self { handle, _folder: folder })
        };
        opened()
            .map_err(|source| GitError::Target { path: "the repository's objects".into(), source })
    }

    pub(super) fn handle(&self) -> gix_odb::Handle {
        self.handle.clone()
    }

    /// Whether all of these are there, each with all that it names.
    pub(super) fn have(&self, ids: &[ObjectId]) -> bool {
        use gix_object::Exists;
        ids.iter().all(|id| self.handle.exists(id))
    }

    /// The commit that an object is, or that it is a tag of.
    pub(super) fn commit(&self, id: ObjectId) -> Result<Option<ObjectId>, GitError> {
        let mut id = id;
        let mut buffer = Vec::new();
        for _ in 0..TAGS_MAX {
            let found = self.handle.find(&id, &mut buffer).map_err(GitError::data)?;
            match found.kind {
                Kind::Commit => return Ok(Some(id)),
                Kind::Tag => {
                    let kind = gix_hash::Kind::Sha1;
                    let tag = gix_object::TagRef::from_bytes(found.data, kind);
                    id = tag.map_err(GitError::data)?.target();
                }
                Kind::Blob | Kind::Tree => return Ok(None),
            }
        }
        Ok(None)
    }

    pub(super) fn root_of(&self, commit: ObjectId) -> Result<ObjectId, GitError> {
        let mut buffer = Vec::new();
        let commit = self.handle.find_commit(&commit, &mut buffer).map_err(GitError::data)?;
        Ok(commit.tree())
    }

    /// The parents of a commit; none where it is not there, as history may be cut off.
    pub(super) fn parents(&self, commit: ObjectId) -> Vec<ObjectId> {
        let mut buffer = Vec::new();
        let found = self.handle.find_commit(&commit, &mut buffer);
        found.map(|commit| commit.parents().collect()).unwrap_or_default()
    }

    /// Names and kinds of a folder's entries.
    pub(super) fn entries(
        &self,
        tree: ObjectId,
    ) -> Result<Vec<(BString, EntryKind, ObjectId)>, GitError> {
        let mut buffer = Vec::new();
        let tree = self.handle.find_tree(&tree, &mut buffer).map_err(GitError::data)?;
        let entry = |entry: &gix_object::tree::EntryRef<'_>| {
            (entry.filename.to_owned(), entry.mode.kind(), entry.oid.to_owned())
        };
        Ok(tree.entries.iter().map(entry).collect())
    }

    pub(super) fn blob(&self, id: ObjectId) -> Result<Vec<u8>, GitError> {
        let mut buffer = Vec::new();
        Ok(self.handle.find_blob(&id, &mut buffer).map_err(GitError::data)?.data.to_vec())
    }
}

/// What a file's content would be named as an object.
pub(super) fn blob_id(content: &[u8]) -> Result<ObjectId, GitError> {
    gix_object::compute_hash(gix_hash::Kind::Sha1, Kind::Blob, content).map_err(GitError::data)
}
