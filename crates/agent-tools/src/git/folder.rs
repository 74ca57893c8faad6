//! A folder that is held open. What lies beneath it is reached name by name and never through a link, so that
//! nothing is written outside, whatever the agent or a repository put in the way.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, RawMode, RenameFlags, Stat, mkdirat, openat,
    readlinkat, renameat, renameat_with, statat, symlinkat, unlinkat,
};
use rustix::io::Errno;

/// The most that is read of a file whose content the agent may have written: configuration and references.
const SMALL_BYTES: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

impl Folder {
    /// A folder that the controller chose: links on the way to it are followed.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self(openat(CWD, path, flags, Mode::empty())?))
    }

    /// A path of this very folder for libraries that want one. They may create and rename in it.
    pub(super) fn path(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}", self.0.as_raw_fd()))
    }

    pub(super) fn child(&self, name: &[u8]) -> io::Result<Self> {
        Ok(Self(openat(&self.0, plain(name)?, FOLDER, Mode::empty())?))
    }

    /// The folder at `path`; this one, opened again, for an empty path.
    pub(super) fn descend(&self, path: &[u8]) -> io::Result<Self> {
        let again = Self(openat(&self.0, ".", FOLDER, Mode::empty())?);
        names(path).try_fold(again, |folder, name| folder.child(name))
    }

    /// As [`Self::descend`], and makes what is not there.
    pub(super) fn ensure(&self, path: &[u8]) -> io::Result<Self> {
        names(path).try_fold(self.descend(b"")?, |folder, name| {
            match mkdirat(&folder.0, plain(name)?, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => folder.child(name),
                Err(error) => Err(error.into()),
            }
        })
    }

    /// Of the entry itself, if there is one.
    pub(super) fn stat(&self, path: &[u8]) -> io::Result<Option<Stat>> {
        let (folder, name) = match self.parent(path) {
            Ok(parent) => parent,
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        match statat(&folder.0, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The content of a regular file, if there is one.
    pub(super) fn read(&self, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.read_at_most(path, u64::MAX)
    }

    /// As [`Self::read`], for a file that is small where it is sound.
    pub(super) fn read_small(&self, path: &[u8]) -> io::Result<Option<Vec<u8>>> {
        self.read_at_most(path, SMALL_BYTES)
    }

    fn read_at_most(&self, path: &[u8], bytes_max: u64) -> io::Result<Option<Vec<u8>>> {
        let opened = self.parent(path).and_then(|(folder, name)| {
            // A pipe that somebody put there must not hold this program up.
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
            Ok(openat(&folder.0, name, flags, Mode::empty())?)
        });
        let file = match opened {
            Ok(opened) => File::from(opened),
            Err(error) if is_absent(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        if !file.metadata()?.is_file() {
            return Ok(None);
        }
        let mut content = Vec::new();
        file.take(bytes_max).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    pub(super) fn read_link(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let (folder, name) = self.parent(path)?;
        Ok(readlinkat(&folder.0, name, Vec::new())?.into_bytes())
    }

    /// Puts a whole file at `path` at once, in place of a file or link that may be there. `scratch` is a folder of
    /// the same volume that receives it first.
    pub(super) fn place(
        &self,
        path: &[u8],
        content: &[u8],
        mode: RawMode,
        scratch: &Self,
    ) -> io::Result<()> {
        scratch.prepare(content, mode)?;
        self.take_over(path, scratch, RenameFlags::empty())
    }

    /// Writes a file that [`Self::take_over`] puts where it belongs.
    pub(super) fn prepare(&self, content: &[u8], mode: RawMode) -> io::Result<()> {
        self.clear_temporary()?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, TEMPORARY, flags, Mode::from_raw_mode(mode))?);
        file.write_all(content)
    }

    /// As [`Self::prepare`], of a link.
    pub(super) fn prepare_link(&self, to: &[u8]) -> io::Result<()> {
        self.clear_temporary()?;
        Ok(symlinkat(to, &self.0, TEMPORARY)?)
    }

    /// Makes a file that must not be there yet.
    pub(super) fn create(&self, name: &[u8], content: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let (folder, name) = self.parent(name)?;
        let file = openat(&folder.0, name, flags, Mode::from_raw_mode(0o666))?;
        File::from(file).write_all(content)
    }

    /// Moves what was prepared in `scratch` to `path`: the flags say whether in the place of what may be there, only
    /// where nothing is, or in exchange for what is there.
    pub(super) fn take_over(
        &self,
        path: &[u8],
        scratch: &Self,
        flags: RenameFlags,
    ) -> io::Result<()> {
        let (folder, name) = match self.parent(path) {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && flags != RenameFlags::EXCHANGE =>
            {
                let (above, _) = split(path);
                self.ensure(above)?;
                self.parent(path)?
            }
            parent => parent?,
        };
        // Not every file system knows flags.
        if flags.is_empty() {
            return Ok(renameat(&scratch.0, TEMPORARY, &folder.0, name)?);
        }
        Ok(renameat_with(&scratch.0, TEMPORARY, &folder.0, name, flags)?)
    }

    /// Moves what is at `path` to `scratch`, as if it was prepared there.
    pub(super) fn hand_over(&self, path: &[u8], scratch: &Self) -> io::Result<()> {
        scratch.clear_temporary()?;
        let (folder, name) = self.parent(path)?;
        Ok(renameat(&folder.0, name, &scratch.0, TEMPORARY)?)
    }

    pub(super) fn clear_temporary(&self) -> io::Result<()> {
        self.remove_file(TEMPORARY)
    }

    /// Moves an entry of this folder to `path` beneath `other`; it may replace an empty folder there.
    pub(super) fn rename(&self, name: &[u8], other: &Self, path: &[u8]) -> io::Result<()> {
        let (folder, to) = other.parent(path)?;
        Ok(renameat(&self.0, plain(name)?, &folder.0, to)?)
    }

    /// Removes a file or link, if there is one.
    pub(super) fn remove_file(&self, path: &[u8]) -> io::Result<()> {
        match self.parent(path) {
            Ok((folder, name)) => match unlinkat(&folder.0, name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => Ok(()),
                Err(error) => Err(error.into()),
            },
            Err(error) if is_absent(&error) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Removes the folders above a path that are empty, up to one that is kept.
    pub(super) fn remove_empty_above(&self, path: &[u8], is_kept: impl Fn(&[u8]) -> bool) {
        let (mut above, _) = split(path);
        while !above.is_empty() && !is_kept(above) && self.remove_empty(above) {
            above = split(above).0;
        }
    }

    /// Whether there was an empty folder, which is now gone.
    pub(super) fn remove_empty(&self, path: &[u8]) -> bool {
        self.parent(path)
            .is_ok_and(|(folder, name)| unlinkat(&folder.0, name, AtFlags::REMOVEDIR).is_ok())
    }

    /// Removes an entry and all beneath it.
    pub(super) fn remove_all(&self, name: &[u8]) -> io::Result<()> {
        match unlinkat(&self.0, plain(name)?, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ISDIR | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = self.child(name)?;
        for (entry, _) in folder.entries()? {
            folder.remove_all(&entry)?;
        }
        Ok(unlinkat(&self.0, plain(name)?, AtFlags::REMOVEDIR)?)
    }

    /// Names and kinds of all entries.
    pub(super) fn entries(&self) -> io::Result<Vec<(Vec<u8>, FileType)>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                found.push((name.to_vec(), entry.file_type()));
            }
        }
        Ok(found)
    }

    fn parent<'a>(&self, path: &'a [u8]) -> io::Result<(Self, &'a [u8])> {
        let (above, name) = split(path);
        Ok((self.descend(above)?, plain(name)?))
    }
}

/// What a file is called until it is whole.
pub(super) const TEMPORARY: &[u8] = b".kubeopencode-partial";

/// The folder's path, and the name in it.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().rposition(|byte| *byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (&[], path),
    }
}

fn names(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
}

fn plain(name: &[u8]) -> io::Result<&[u8]> {
    match name {
        b"" | b"." | b".." => Err(io::ErrorKind::InvalidInput.into()),
        _ if name.contains(&b'/') || name.contains(&0) => Err(io::ErrorKind::InvalidInput.into()),
        _ => Ok(name),
    }
}

/// Whether nothing can be at a path: it ends early, or something that is no folder lies on the way.
fn is_absent(error: &io::Error) -> bool {
    let absent = [Errno::NOENT, Errno::NOTDIR, Errno::LOOP];
    absent.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
