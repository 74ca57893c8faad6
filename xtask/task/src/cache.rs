//! A folder for each thing that is built once and kept, named by a digest of what it was built from.
//! A folder under its final name is always whole: it is built under another name and renamed at the end.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use ring::digest;

/// How many versions of one thing are kept.
const KEPT: usize = 3;

/// A digest of all that a build depends on.
#[derive(Clone)]
pub struct Key(digest::Context);

impl Default for Key {
    fn default() -> Self {
        Self::new()
    }
}

impl Key {
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    /// Adds a piece; its length goes in first, so that "ab","c" and "a","bc" differ.
    #[must_use]
    pub fn bytes(mut self, piece: impl AsRef<[u8]>) -> Self {
        let piece = piece.as_ref();
        self.0.update(&(piece.len() as u64).to_be_bytes());
        self.0.update(piece);
        self
    }

    /// Adds a file's content, or every file under a folder with its relative name, in sorted order.
    pub fn path(self, path: &Path) -> Result<Self> {
        if !path.is_dir() {
            let content = fs::read(path).with_context(|| path.display().to_string())?;
            return Ok(self.bytes(content));
        }
        let mut names =
            fs::read_dir(path)?.map(|entry| Ok(entry?.file_name())).collect::<Result<Vec<_>>>()?;
        names.sort();
        names
            .into_iter()
            .try_fold(self, |key, name| key.bytes(name.as_encoded_bytes()).path(&path.join(&name)))
    }

    /// 16 hexadecimal characters.
    pub fn finish(self) -> String {
        hex::encode(&self.0.finish().as_ref()[..8])
    }
}

/// The folder of `name` built from what `key` stands for, and whether it had to be built.
pub struct Built {
    pub path: PathBuf,
    pub origin: Origin,
}

#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub enum Origin {
    Cache,
    New,
}

impl Origin {
    /// What a step says of it.
    pub fn note(self) -> &'static str {
        match self {
            Self::Cache => "from cache",
            Self::New => "new",
        }
    }
}

/// Returns the folder of `name` for `key`; if it is not there, `build` fills it (it is handed an empty folder).
/// Two processes that want the same build it once. `build` must not ask for the same `name` and `key` again.
pub fn get_or_build(
    name: &str,
    key: Key,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<Built> {
    get_or_build_in(&crate::paths::cache()?.join("built"), name, key, build)
}

/// The folder of `name` for `key`, if it was built.
pub fn find(name: &str, key: Key) -> Result<Option<PathBuf>> {
    let folder = crate::paths::cache()?.join("built").join(entry(name, key));
    Ok(folder.is_dir().then_some(folder))
}

/// The newest version of `name`, whatever it was built from.
pub fn newest(name: &str) -> Result<Option<PathBuf>> {
    let root = crate::paths::cache()?.join("built");
    Ok(if root.is_dir() { versions(&root, name)?.pop() } else { None })
}

/// Removes all versions of `name` but the `kept` newest: of large things fewer are kept than of others.
pub fn keep_newest(name: &str, kept: usize) -> Result<()> {
    prune(&crate::paths::cache()?.join("built"), name, kept)
}

fn entry(name: &str, key: Key) -> String {
    format!("{name}-{}", key.finish())
}

fn get_or_build_in(
    root: &Path,
    name: &str,
    key: Key,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<Built> {
    let entry = entry(name, key);
    let whole = root.join(&entry);
    if whole.is_dir() {
        return Ok(Built { path: whole, origin: Origin::Cache });
    }
    let partial = root.join(format!(".partial-{entry}"));
    fs::create_dir_all(&partial).with_context(|| partial.display().to_string())?;
    // The folder itself is the lock: its descriptor stays the same one through the rename.
    let lock = File::open(&partial)?;
    lock.lock()?;
    if whole.is_dir() {
        return Ok(Built { path: whole, origin: Origin::Cache });
    }
    empty(&partial)?;
    build(&partial)?;
    fs::rename(&partial, &whole).with_context(|| whole.display().to_string())?;
    prune(root, name, KEPT)?;
    Ok(Built { path: whole, origin: Origin::New })
}

/// Removes what a build left behind that was killed.
fn empty(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

fn prune(root: &Path, name: &str, kept: usize) -> Result<()> {
    versions(root, name)?.iter().rev().skip(kept).try_for_each(|path| Ok(fs::remove_dir_all(path)?))
}

/// Oldest first.
fn versions(root: &Path, name: &str) -> Result<Vec<PathBuf>> {
    let mut versions = Vec::new();
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        if is_version_of(&entry.file_name().to_string_lossy(), name) {
            versions.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    versions.sort();
    Ok(versions.into_iter().map(|(_, path)| path).collect())
}

fn is_version_of(entry: &str, name: &str) -> bool {
    let key = entry.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
    key.is_some_and(|key| key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(text: &'static str) -> impl FnOnce(&Path) -> Result<()> {
        move |folder| Ok(fs::write(folder.join("file"), text)?)
    }

    #[test]
    fn the_same_key_is_built_once_and_another_key_again() {
        let root = tempfile::tempdir().unwrap();
        let build = |key: &str, text| {
            get_or_build_in(root.path(), "thing", Key::new().bytes(key), write(text)).unwrap()
        };
        assert_eq!(build("a", "one").origin, Origin::New);
        let second = build("a", "two");
        assert_eq!(second.origin, Origin::Cache);
        assert_eq!(fs::read_to_string(second.path.join("file")).unwrap(), "one");
        assert_eq!(build("b", "two").origin, Origin::New);
    }

    #[test]
    fn a_half_built_folder_is_built_again_from_nothing() {
        let root = tempfile::tempdir().unwrap();
        let broken = get_or_build_in(root.path(), "thing", Key::new(), |folder| {
            fs::write(folder.join("leftover"), "")?;
            anyhow::bail!("killed")
        });
        assert!(broken.is_err());
        let whole = get_or_build_in(root.path(), "thing", Key::new(), write("whole")).unwrap();
        assert_eq!(whole.origin, Origin::New);
        assert!(whole.path.join("file").exists() && !whole.path.join("leftover").exists());
    }

    #[test]
    fn only_the_newest_versions_are_kept() {
        let root = tempfile::tempdir().unwrap();
        for key in ["a", "b", "c", "d", "e"] {
            get_or_build_in(root.path(), "thing", Key::new().bytes(key), write("x")).unwrap();
            get_or_build_in(root.path(), "thing-else", Key::new().bytes(key), write("x")).unwrap();
        }
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2 * KEPT);
        prune(root.path(), "thing", 1).unwrap();
        let of_thing = get_or_build_in(root.path(), "thing", Key::new().bytes("e"), write("x"));
        assert_eq!(of_thing.unwrap().origin, Origin::Cache);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1 + KEPT);
    }

    #[test]
    fn a_key_depends_on_where_pieces_end_and_on_file_names() {
        let folder = tempfile::tempdir().unwrap();
        assert_ne!(
            Key::new().bytes("ab").bytes("c").finish(),
            Key::new().bytes("a").bytes("bc").finish()
        );
        fs::write(folder.path().join("one"), "text").unwrap();
        let before = Key::new().path(folder.path()).unwrap().finish();
        fs::rename(folder.path().join("one"), folder.path().join("two")).unwrap();
        assert_ne!(Key::new().path(folder.path()).unwrap().finish(), before);
    }
}
