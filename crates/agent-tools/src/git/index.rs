//! Git's index: which files a checkout was given, and how each looked then, so that a clean one need not be read.

use std::collections::BTreeMap;

use gix_hash::{Kind, ObjectId};
use gix_index::{
    File, State,
    entry::{Flags, Mode, Stage, Stat, stat, stat::Time},
    write::Options,
};
use rustix::fs::FileType;

use super::{
    error::GitError,
    folder::Folder,
    objects::blob_id,
    snapshot::{Leaf, LeafKind, Path, Snapshot},
};

const NAME: &[u8] = b"index";

/// Held while the index is rewritten, as git does.
const LOCK: &[u8] = b"index.lock";

/// Marks a lock of ours, which nobody holds any more once this program starts anew.
const LOCK_OWNER: &[u8] = b"kubeopencode\n";

pub(super) struct Index {
    state: State,
    /// Whether an entry is not a plain one, such as a side of a conflict.
    pub(super) is_odd: bool,
    entries: BTreeMap<Path, (Mode, ObjectId, Stat)>,
}

impl Index {
    /// What is there; an empty one where nothing is, or nothing that can be read.
    pub(super) fn read(meta: &Folder) -> Self {
        let read = || {
            let bytes = meta.read(NAME).ok()??;
            let timestamp = meta.stat(NAME).ok()??;
            let timestamp = filetime(timestamp.st_mtime, timestamp.st_mtime_nsec);
            let options = gix_index::decode::Options::default();
            let (state, _) = State::from_bytes(&bytes, timestamp, Kind::Sha1, options).ok()?;
            Some(state)
        };
        Self::of(read().unwrap_or_else(|| State::new(Kind::Sha1)))
    }

    fn of(state: State) -> Self {
        let entries = state.entries().iter();
        let is_odd = state.is_sparse()
            || state.entries().iter().any(|entry| entry.stage() != Stage::Unconflicted);
        let entries =
            entries.map(|entry| (entry.path(&state).to_vec(), (entry.mode, entry.id, entry.stat)));
        let entries = entries.collect();
        Self { state, is_odd, entries }
    }

    /// What each file was given, submodules left out.
    pub(super) fn files(&self) -> BTreeMap<Path, Leaf> {
        let leaf = |(mode, id): (Mode, ObjectId)| Some(Leaf { kind: kind_of(mode)?, id });
        let entries = self.entries.iter();
        entries
            .filter_map(|(path, (mode, id, _))| Some((path.clone(), leaf((*mode, *id))?)))
            .collect()
    }

    /// Whether the file at `path` of `work` is `leaf`.
    pub(super) fn is(&self, work: &Folder, path: &[u8], leaf: &Leaf) -> Result<bool, GitError> {
        self.compare(work, path, leaf).map_err(|source| GitError::Target {
            path: String::from_utf8_lossy(path).into(),
            source,
        })?
    }

    fn compare(
        &self,
        work: &Folder,
        path: &[u8],
        leaf: &Leaf,
    ) -> std::io::Result<Result<bool, GitError>> {
        let Some(found) = work.stat(path)? else { return Ok(Ok(false)) };
        let kind = match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile if found.st_mode & 0o100 == 0 => LeafKind::File,
            FileType::RegularFile => LeafKind::Executable,
            FileType::Symlink => LeafKind::Link,
            _ => return Ok(Ok(false)),
        };
        if kind != leaf.kind {
            return Ok(Ok(false));
        }
        let options =
            stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };
        if let Some((_, id, known)) = self.entries.get(path)
            && *id == leaf.id
            && known.matches(&stat_of(&found), options)
            && !known.is_racy(self.state.timestamp(), options)
        {
            return Ok(Ok(true));
        }
        let content = match kind {
            LeafKind::Link => Some(work.read_link(path)?),
            _ => work.read(path)?,
        };
        let Some(content) = content else { return Ok(Ok(false)) };
        Ok(blob_id(&content).map(|id| id == leaf.id))
    }

    /// Writes the index of a checkout that is `snapshot`.
    pub(super) fn write(work: &Folder, meta: &Folder, snapshot: &Snapshot) -> Result<(), GitError> {
        let mut state = State::new(Kind::Sha1);
        for (path, leaf) in &snapshot.files {
            let found = work.stat(path).map_err(GitError::target("the checkout"))?;
            let stat = found.as_ref().map(stat_of).unwrap_or_default();
            let flags = Flags::empty();
            state.dangerously_push_entry(
                stat,
                leaf.id,
                flags,
                mode_of(leaf.kind),
                path.as_slice().into(),
            );
        }
        for submodule in snapshot.submodules.iter().filter(|submodule| !submodule.at.is_empty()) {
            let (stat, flags) = (Stat::default(), Flags::empty());
            let path = submodule.at.as_slice().into();
            state.dangerously_push_entry(stat, submodule.commit, flags, Mode::COMMIT, path);
        }
        state.sort_entries();
        let mut bytes = Vec::new();
        let file = File::from_state(state, "index");
        file.write_to(&mut bytes, Options::default()).map_err(GitError::data)?;
        meta.place(NAME, &bytes, 0o666, meta).map_err(GitError::target("the index"))
    }
}

/// Keeps git from changing the checkout meanwhile, and is kept from it by git.
pub(super) struct Lock<'a>(&'a Folder);

impl<'a> Lock<'a> {
    /// None where a git is at work.
    pub(super) fn take(meta: &'a Folder) -> Result<Option<Self>, GitError> {
        let failed = GitError::target("the index");
        if meta.read_small(LOCK).map_err(failed)?.as_deref() == Some(LOCK_OWNER) {
            meta.remove(LOCK).map_err(failed)?;
        }
        match meta.create(LOCK, LOCK_OWNER) {
            Ok(()) => Ok(Some(Self(meta))),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // If it stays, the next run removes it.
        let _ = self.0.remove(LOCK);
    }
}

fn mode_of(kind: LeafKind) -> Mode {
    match kind {
        LeafKind::File => Mode::FILE,
        LeafKind::Executable => Mode::FILE_EXECUTABLE,
        LeafKind::Link => Mode::SYMLINK,
    }
}

fn kind_of(mode: Mode) -> Option<LeafKind> {
    match mode {
        Mode::FILE => Some(LeafKind::File),
        Mode::FILE_EXECUTABLE => Some(LeafKind::Executable),
        Mode::SYMLINK => Some(LeafKind::Link),
        _ => None,
    }
}

fn filetime(seconds: i64, nanoseconds: u64) -> filetime::FileTime {
    filetime::FileTime::from_unix_time(seconds, u32::try_from(nanoseconds).unwrap_or_default())
}

/// Git keeps the lower 32 bits of each.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "as git's format has it"
)]
fn stat_of(found: &rustix::fs::Stat) -> Stat {
    let time = |secs: i64, nsecs| Time { secs: secs as u32, nsecs };
    Stat {
        mtime: time(found.st_mtime, found.st_mtime_nsec as u32),
        ctime: time(found.st_ctime, found.st_ctime_nsec as u32),
        dev: found.st_dev as u32,
        ino: found.st_ino as u32,
        uid: found.st_uid,
        gid: found.st_gid,
        size: found.st_size as u32,
    }
}
