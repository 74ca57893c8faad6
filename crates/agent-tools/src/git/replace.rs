//! Puts a file in the place of one that is expected there, or removes it. What else is there is the agent's work, and
//! stays: it is looked at once nobody can change it by its name any more.

use std::io;

use rustix::{
    fs::{RawMode, RenameFlags},
    io::Errno,
};

use super::{
    error::GitError,
    folder::{Folder, TEMPORARY},
    index::{Stat, is_leaf, stat_of},
    snapshot::{Leaf, LeafKind},
};

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It is as wanted, and looks so; None where that is not known for sure.
    Done(Option<Stat>),
    /// Something else was there, and still is.
    Changed,
}

/// A file of a checkout.
pub(super) struct Site<'a> {
    pub(super) work: &'a Folder,
    /// On the same volume; receives each file first.
    pub(super) scratch: &'a Folder,
    pub(super) path: &'a [u8],
}

impl Site<'_> {
    /// Puts a file where `old` is, or nothing.
    pub(super) fn put(
        &self,
        (kind, content): (LeafKind, &[u8]),
        old: Option<&Leaf>,
    ) -> Result<Replaced, GitError> {
        const MODE: RawMode = 0o666;
        const MODE_EXECUTABLE: RawMode = 0o777;
        let prepared = match kind {
            LeafKind::File => self.scratch.prepare(content, MODE),
            LeafKind::Executable => self.scratch.prepare(content, MODE_EXECUTABLE),
            LeafKind::Link => self.scratch.prepare_link(content),
        };
        prepared.map_err(self.failed())?;
        let prepared = self.scratch.stat(TEMPORARY).map_err(self.failed())?;
        let is_done = match old {
            Some(old) => self.exchange(old)?,
            None => self.occupy()?,
        };
        if !is_done {
            return Ok(Replaced::Changed);
        }
        let found = self.work.stat(self.path).map_err(self.failed())?;
        let (prepared, found) = (prepared.as_ref().map(stat_of), found.as_ref().map(stat_of));
        // Of what was moved only the time of that is another.
        let is_untouched =
            |(a, b): &(Stat, Stat)| (a.ino, a.size, a.mtime) == (b.ino, b.size, b.mtime);
        Ok(Replaced::Done(prepared.zip(found).filter(is_untouched).map(|(_, found)| found)))
    }

    /// Removes `old`.
    pub(super) fn remove(&self, old: &Leaf) -> Result<Replaced, GitError> {
        match self.work.hand_over(self.path, self.scratch) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Replaced::Done(None));
            }
            moved => moved.map_err(self.failed())?,
        }
        if !is_leaf(self.scratch, TEMPORARY, old)? {
            self.work
                .take_over(self.path, self.scratch, RenameFlags::NOREPLACE)
                .or_else(|error| if is_unknown(&error) { self.overwrite() } else { Err(error) })
                .map_err(self.failed())?;
            return Ok(Replaced::Changed);
        }
        self.scratch.clear_temporary().map_err(self.failed())?;
        Ok(Replaced::Done(None))
    }

    fn exchange(&self, old: &Leaf) -> Result<bool, GitError> {
        let exchange = || self.work.take_over(self.path, self.scratch, RenameFlags::EXCHANGE);
        match exchange() {
            Ok(()) if is_leaf(self.scratch, TEMPORARY, old)? => {
                self.scratch.clear_temporary().map_err(self.failed())?;
                Ok(true)
            }
            Ok(()) => exchange().map(|()| false).map_err(self.failed()),
            Err(error) if is_unknown(&error) => self.exchange_at_risk(old),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed()(error)),
        }
    }

    /// As [`Self::exchange`], on a file system that cannot exchange: what is there is looked at before.
    fn exchange_at_risk(&self, old: &Leaf) -> Result<bool, GitError> {
        if !is_leaf(self.work, self.path, old)? {
            return Ok(false);
        }
        self.overwrite().map(|()| true).map_err(self.failed())
    }

    fn occupy(&self) -> Result<bool, GitError> {
        match self.work.take_over(self.path, self.scratch, RenameFlags::NOREPLACE) {
            Ok(()) => Ok(true),
            Err(error) if is_unknown(&error) => self.occupy_at_risk(),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(self.failed()(error)),
        }
    }

    fn occupy_at_risk(&self) -> Result<bool, GitError> {
        if self.work.stat(self.path).map_err(self.failed())?.is_some() {
            return Ok(false);
        }
        self.overwrite().map(|()| true).map_err(self.failed())
    }

    fn overwrite(&self) -> io::Result<()> {
        self.work.take_over(self.path, self.scratch, RenameFlags::empty())
    }

    fn failed(&self) -> impl FnOnce(io::Error) -> GitError + Copy + '_ {
        let path = self.path;
        move |source| GitError::Target { path: String::from_utf8_lossy(path).into_owned(), source }
    }
}

/// Whether a file system, or a kernel, does not know how to rename so.
fn is_unknown(error: &io::Error) -> bool {
    let unknown = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP];
    unknown.iter().any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
        path::Path,
    };

    use super::{super::objects::blob_id, *};

    type Work = fn(&Path);
    type Step = fn(&Site<'_>) -> bool;

    fn leaf(content: &str) -> Leaf {
        Leaf { kind: LeafKind::File, id: blob_id(content.as_bytes()).unwrap() }
    }

    /// Replaces `old` by `new`.
    const REPLACE: [Step; 2] = [
        |site| is_done(site.put((LeafKind::File, b"new"), Some(&leaf("old")))),
        |site| {
            site.scratch.prepare(b"new", 0o666).unwrap();
            site.exchange_at_risk(&leaf("old")).unwrap()
        },
    ];
    /// Puts `new` where nothing is.
    const ADD: [Step; 2] = [
        |site| is_done(site.put((LeafKind::File, b"new"), None)),
        |site| {
            site.scratch.prepare(b"new", 0o666).unwrap();
            site.occupy_at_risk().unwrap()
        },
    ];
    const REMOVE: Step = |site| is_done(site.remove(&leaf("old")));

    fn is_done(replaced: Result<Replaced, GitError>) -> bool {
        replaced.unwrap() != Replaced::Changed
    }

    /// What the agent may make of a file that is `old`.
    const WORK: [Work; 4] = [
        |at| fs::write(at, "mine").unwrap(),
        |at| fs::set_permissions(at, fs::Permissions::from_mode(0o755)).unwrap(),
        |at| {
            fs::remove_file(at).unwrap();
            symlink("old", at).unwrap();
        },
        |at| {
            fs::remove_file(at).unwrap();
            fs::create_dir(at).unwrap();
            fs::write(at.join("inner"), "mine").unwrap();
        },
    ];
    const GONE: Work = |at| fs::remove_file(at).unwrap();

    /// Whether a step is done that comes after the agent's work, and all that is there then.
    fn after(work: Work, step: Step) -> (bool, Vec<String>) {
        let keep = tempfile::tempdir().unwrap();
        let [root, scratch] = ["work", "scratch"].map(|name| keep.path().join(name));
        fs::create_dir_all(root.join("folder")).unwrap();
        fs::create_dir(&scratch).unwrap();
        fs::write(root.join("folder/file"), "old").unwrap();
        work(&root.join("folder/file"));
        let (work, scratch) = (Folder::open(&root).unwrap(), Folder::open(&scratch).unwrap());
        let is_done = step(&Site { work: &work, scratch: &scratch, path: b"folder/file" });
        (is_done, found(&root))
    }

    /// Name, whether executable, and content or target of each file and link.
    fn found(folder: &Path) -> Vec<String> {
        let describe = |path: std::path::PathBuf| {
            let stat = path.symlink_metadata().unwrap();
            if stat.is_dir() {
                return found(&path);
            }
            let mode = stat.permissions().mode() & 0o100;
            let target = fs::read_link(&path).map(|to| format!("-> {}", to.display()));
            let content = target.or_else(|_| fs::read_to_string(&path)).unwrap();
            vec![format!("{:?} {mode:o} {content}", path.file_name().unwrap())]
        };
        fs::read_dir(folder).unwrap().flat_map(|entry| describe(entry.unwrap().path())).collect()
    }

    #[test]
    fn a_file_that_is_as_expected_is_replaced_and_removed() {
        let new = || (true, vec!["\"file\" 0 new".to_owned()]);
        for step in REPLACE {
            assert_eq!(after(|_| {}, step), new());
        }
        for step in ADD {
            assert_eq!(after(GONE, step), new());
        }
        assert_eq!(after(|_| {}, REMOVE), (true, vec![]));
        assert_eq!(after(GONE, REMOVE), (true, vec![]));
    }

    #[test]
    fn what_the_agent_made_of_a_file_is_left_as_it_is() {
        for (number, work) in WORK.into_iter().enumerate() {
            let before = after(work, |_| false);
            for step in REPLACE.into_iter().chain(ADD).chain([REMOVE]) {
                assert_eq!(after(work, step), before, "{number}");
            }
        }
        for step in REPLACE {
            assert_eq!(after(GONE, step), (false, vec![]), "a file that was removed");
        }
    }
}
