//! Writes files beneath a root. No symbolic link on the way is followed: on a volume that outlives the pod the
//! agent may have left one that points anywhere. Nothing that is not a file is ever replaced.

use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsFd, OwnedFd},
};

use agent_jobs::{RelativePath, Target};
use rustix::{
    fs::{
        AtFlags, FileType, Mode, OFlags, Stat, fchmod, fstat, mkdirat, open, openat, renameat,
        statat, unlinkat,
    },
    io::Errno,
};

/// Of a file that is not yet complete. One name a folder, so that a program that was killed leaves one at most.
const PARTIAL: &str = ".kubeopencode.partial";

/// Of folders that are made on the way to a file.
const FOLDER_MODE: Mode = Mode::from_raw_mode(0o755);

/// Why a target cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    #[error("cannot open the folder {root}")]
    Root { root: String, source: Errno },
    #[error(
        "{path} is a symbolic link, which is not followed: remove it, or choose another mountPath"
    )]
    Link { path: String },
    #[error("{path} is not a folder: remove it, or choose another mountPath")]
    NotFolder { path: String },
    #[error("{path} is a folder where a file should be: remove it, or choose another mountPath")]
    Folder { path: String },
    #[error("{path} is neither file nor folder: remove it, or choose another mountPath")]
    Special { path: String },
    #[error("cannot write {path}")]
    Write { path: String, source: io::Error },
}

/// Writes a file in one step, with the permission bits of `mode`, and makes the folders on the way. A file that is
/// already as it should be stays untouched.
pub(crate) fn write_file(target: &Target, bytes: &[u8], mode: u32) -> Result<(), WriteError> {
    let Some(path) = &target.path else {
        return Err(WriteError::Folder { path: target.root.clone() });
    };
    let (above, name) = split(path.as_str());
    let folder = Folder::root(target)?.descend(above)?;
    folder.write_file(name, bytes, Mode::from_raw_mode(mode & 0o777))
}

/// Makes a folder and those on the way to it.
pub(crate) fn make_folder(target: &Target) -> Result<(), WriteError> {
    let path = target.path.as_ref().map_or("", RelativePath::as_str);
    Folder::root(target)?.descend(path).map(|_| ())
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// An open folder, and its path for messages.
struct Folder {
    handle: OwnedFd,
    path: String,
}

impl Folder {
    fn root(target: &Target) -> Result<Self, WriteError> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = target.root.trim_end_matches('/');
        let handle = open(target.root.as_str(), flags, Mode::empty())
            .map_err(|source| WriteError::Root { root: target.root.clone(), source })?;
        Ok(Self { handle, path: root.to_owned() })
    }

    fn descend(self, path: &str) -> Result<Self, WriteError> {
        path.split('/').filter(|part| !part.is_empty()).try_fold(self, |at, part| at.enter(part))
    }

    /// The folder `name`, which is made if there is none.
    fn enter(&self, name: &str) -> Result<Self, WriteError> {
        let path = format!("{}/{name}", self.path);
        let failed = |errno: Errno| WriteError::Write { path: path.clone(), source: errno.into() };
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let reached = || openat(&self.handle, name, flags | OFlags::PATH, Mode::empty());
        let handle = match reached() {
            Err(Errno::NOENT) => {
                let made = mkdirat(&self.handle, name, FOLDER_MODE);
                let handle = reached();
                if made.is_ok() {
                    self.open_up(name, flags).map_err(failed)?;
                }
                handle
            }
            other => other,
        };
        match handle {
            Ok(handle) => Ok(Self { handle, path }),
            Err(Errno::NOTDIR | Errno::LOOP) => match self.kind(name) {
                Ok(FileType::Symlink) => Err(WriteError::Link { path }),
                _ => Err(WriteError::NotFolder { path }),
            },
            Err(errno) => Err(failed(errno)),
        }
    }

    /// Adds the permissions that the umask took from a new folder; those that it inherited stay.
    fn open_up(&self, name: &str, flags: OFlags) -> Result<(), Errno> {
        let handle = openat(&self.handle, name, flags | OFlags::RDONLY, Mode::empty())?;
        let mode = Mode::from_raw_mode(fstat(&handle)?.st_mode & 0o7777);
        fchmod(&handle, mode | FOLDER_MODE)
    }

    fn stat(&self, name: &str) -> Result<Stat, Errno> {
        statat(&self.handle, name, AtFlags::SYMLINK_NOFOLLOW)
    }

    fn kind(&self, name: &str) -> Result<FileType, Errno> {
        Ok(FileType::from_raw_mode(self.stat(name)?.st_mode))
    }

    fn write_file(&self, name: &str, bytes: &[u8], mode: Mode) -> Result<(), WriteError> {
        let path = format!("{}/{name}", self.path);
        let failed = |source: io::Error| WriteError::Write { path: path.clone(), source };
        match self.stat(name) {
            Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => {
                    if self.is_same(name, &stat, bytes, mode) {
                        return Ok(());
                    }
                }
                FileType::Symlink => return Err(WriteError::Link { path }),
                FileType::Directory => return Err(WriteError::Folder { path }),
                _ => return Err(WriteError::Special { path }),
            },
            Err(Errno::NOENT) => {}
            Err(errno) => return Err(failed(errno.into())),
        }
        self.replace(name, bytes, mode).map_err(failed)
    }

    fn is_same(&self, name: &str, stat: &Stat, bytes: &[u8], mode: Mode) -> bool {
        let is_as_large = u64::try_from(stat.st_size).is_ok_and(|size| size == bytes.len() as u64);
        is_as_large
            && Mode::from_raw_mode(stat.st_mode & 0o7777) == mode
            && self.read(name).is_ok_and(|present| present == bytes)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let mut bytes = Vec::new();
        let mut file = File::from(openat(&self.handle, name, flags, Mode::empty())?);
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn replace(&self, name: &str, bytes: &[u8], mode: Mode) -> io::Result<()> {
        let folder = self.handle.as_fd();
        match unlinkat(folder, PARTIAL, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(errno.into()),
        }
        let written = self
            .write_partial(bytes, mode)
            .and_then(|()| Ok(renameat(folder, PARTIAL, folder, name)?));
        if written.is_err() {
            // The first error is the one to report; there may also be nothing to remove.
            let _ = unlinkat(folder, PARTIAL, AtFlags::empty());
        }
        written
    }

    fn write_partial(&self, bytes: &[u8], mode: Mode) -> io::Result<()> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let handle = openat(&self.handle, PARTIAL, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(handle);
        file.write_all(bytes)?;
        // Set apart from creation, since the umask has no say in it.
        fchmod(&file, mode)?;
        file.sync_all()
    }
}
