//! Lock files as git makes them: whoever makes one first may write what it is called after.

use std::io;

use super::{
    error::GitError,
    folder::{Folder, split},
};

/// Marks a lock of ours, which nobody holds any more once this program starts anew.
const OWNER: &[u8] = b"kubeopencode\n";

/// Keeps git from writing a file of its own meanwhile, and is kept from it by git.
pub(super) struct Lock<'a> {
    meta: &'a Folder,
    path: Vec<u8>,
}

impl<'a> Lock<'a> {
    /// Of `name`, such as `index`; None where a git is at work on it.
    pub(super) fn take(meta: &'a Folder, name: &str) -> Result<Option<Self>, GitError> {
        let path = path(name);
        let failed = |source| GitError::Target { path: format!(".git/{name}"), source };
        clear(meta, name)?;
        meta.ensure(split(&path).0).map_err(failed)?;
        match meta.create(&path, OWNER) {
            Ok(()) => Ok(Some(Self { meta, path })),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // If it stays, the next run removes it.
        let _ = self.meta.remove_file(&self.path);
    }
}

/// Removes a lock that a process of ours left when it was killed.
pub(super) fn clear(meta: &Folder, name: &str) -> Result<(), GitError> {
    let path = path(name);
    let removed = || match meta.read_small(&path)?.as_deref() {
        Some(OWNER) => meta.remove_file(&path),
        _ => Ok(()),
    };
    removed().map_err(|source| GitError::Target { path: format!(".git/{name}"), source })
}

fn path(name: &str) -> Vec<u8> {
    format!("{name}.lock").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_of_git_is_respected_and_one_that_we_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let meta = Folder::open(folder.path()).unwrap();
        let lock = folder.path().join("refs/heads/fix/it.lock");
        let taken = Lock::take(&meta, "refs/heads/fix/it").unwrap();
        assert!(taken.is_some() && lock.exists());
        drop(taken);
        assert!(!lock.exists() && lock.parent().unwrap().exists(), "git needs its folders");

        std::fs::write(&lock, OWNER).unwrap();
        assert!(Lock::take(&meta, "refs/heads/fix/it").unwrap().is_some());
        std::fs::write(&lock, "").unwrap();
        assert!(Lock::take(&meta, "refs/heads/fix/it").unwrap().is_none());
        clear(&meta, "refs/heads/fix/it").unwrap();
        assert_eq!(std::fs::read(&lock).unwrap(), b"");
    }
}
