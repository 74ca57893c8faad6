//! Where the sockets of a pod's terminals are: a folder of one user alone. Must not follow a link, nor trust what somebody
//! else has put there.

use std::{
    ffi::OsString,
    fmt, io,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, flock, fstat, mkdirat, openat, unlinkat},
    io::Errno,
    net::SocketAddrUnix,
    process::geteuid,
};

const OTHERS: u32 = 0o077;

/// Whose terminal it is, among those of a pod: the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Name(String);

impl Name {
    /// A link's name of 63 characters and what is before it; a socket's address has room for it.
    const MAX: usize = 68;
}

/// The name of no file that we would make.
#[derive(Debug, thiserror::Error)]
#[error("a name has 1 to {} lower-case letters, digits and hyphens", Name::MAX)]
pub(crate) struct BadName;

impl std::str::FromStr for Name {
    type Err = BadName;

    fn from_str(name: &str) -> Result<Self, BadName> {
        let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (1..=Self::MAX).contains(&name.len()) && name.bytes().all(allowed) {
            Ok(Self(name.to_owned()))
        } else {
            Err(BadName)
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("cannot use the folder {}; --folder may name another", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the folder {} belongs to another user; --folder may name another", .0.display())]
    Owner(PathBuf),
    #[error("others may enter the folder {}; it must have the mode 0700", .0.display())]
    Mode(PathBuf),
}

/// The folder, whatever becomes of its name.
pub(crate) struct Folder {
    fd: OwnedFd,
}

/// Where a terminal is found by others.
pub(crate) struct Place {
    pub(crate) folder: Folder,
    pub(crate) name: Name,
}

/// Held by who may start the holder of a terminal; free again when dropped.
pub(crate) struct Lock {
    _file: OwnedFd,
}

impl Folder {
    /// Makes the folder if there is none, and opens it.
    pub(crate) fn open(path: &Path) -> Result<Self, FolderError> {
        let io = |source: Errno| FolderError::Io { path: path.to_owned(), source: source.into() };
        match mkdirat(CWD, path, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(io(error)),
        }
        let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let fd = openat(CWD, path, flags, Mode::empty()).map_err(io)?;
        let stat = fstat(&fd).map_err(io)?;
        if stat.st_uid != geteuid().as_raw() {
            return Err(FolderError::Owner(path.to_owned()));
        }
        if stat.st_mode & OTHERS != 0 {
            return Err(FolderError::Mode(path.to_owned()));
        }
        Ok(Self { fd })
    }

    /// Waits for the right to start the holder of `name`.
    pub(crate) fn lock(&self, name: &Name) -> io::Result<Lock> {
        self.locked(name, FlockOperation::LockExclusive)
    }

    /// The same, if nobody has it.
    pub(crate) fn try_lock(&self, name: &Name) -> io::Result<Lock> {
        self.locked(name, FlockOperation::NonBlockingLockExclusive)
    }

    fn locked(&self, name: &Name, how: FlockOperation) -> io::Result<Lock> {
        let flags = OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        let file = openat(&self.fd, format!("{name}.lock"), flags, mode)?;
        flock(&file, how)?;
        Ok(Lock { _file: file })
    }

    /// The address of the holder's socket. By way of the descriptor: the folder's path may be longer than an address,
    /// and name another folder by now.
    pub(crate) fn address(&self, name: &Name) -> io::Result<SocketAddrUnix> {
        let path = format!("/proc/self/fd/{}/{name}.sock", self.fd.as_raw_fd());
        Ok(SocketAddrUnix::new(path)?)
    }

    /// Takes the socket away, if it is there; only for who has the lock.
    pub(crate) fn remove(&self, name: &Name, _lock: &Lock) -> io::Result<()> {
        match unlinkat(&self.fd, OsString::from(format!("{name}.sock")), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::{PermissionsExt, symlink},
    };

    use super::*;

    #[test]
    fn a_name_is_that_of_a_file_of_ours() {
        for good in ["default", "a", "link-2", &"f".repeat(68)] {
            assert_eq!(good.parse::<Name>().unwrap().to_string(), good);
        }
        for bad in ["", ".", "..", "a/b", "A", "a b", "a\0", &"f".repeat(69)] {
            assert!(bad.parse::<Name>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_folder_is_made_for_its_user_alone_and_used_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("screen");
        Folder::open(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn a_folder_that_others_may_enter_or_that_is_a_link_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let [path, link] = ["screen", "link"].map(|name| dir.path().join(name));
        fs::create_dir(&path).unwrap();
        symlink(&path, &link).unwrap();
        for mode in [0o755, 0o710, 0o701] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            assert!(matches!(Folder::open(&path), Err(FolderError::Mode(_))), "{mode:o}");
        }
        fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
        Folder::open(&path).unwrap();
        assert!(matches!(Folder::open(&link), Err(FolderError::Io { .. })));
    }

    #[test]
    fn the_lock_is_one_persons_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&dir.path().join("screen")).unwrap();
        let name = "default".parse().unwrap();
        let lock = folder.lock(&name).unwrap();
        assert!(folder.try_lock(&name).is_err());
        drop(lock);
        folder.try_lock(&name).unwrap();
    }
}
