//! Git's index: which files a checkout was given, and how each looked then, so that a clean one need not be read.

use std::collections::BTreeMap;

use gix_hash::{Kind, ObjectId};
pub(super) use gix_index::entry::Stat;
use gix_index::{
    File, State,
    entry::{Flags, Mode, Stage, stat, stat::Time},
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

/// How files looked when their content was known.
pub(super) type Looks = BTreeMap<Path, Stat>;

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
        Ok(self.look(work, path, leaf)?.is_some())
    }

    /// How the file at `path` of `work` looked before it was found to be `leaf`; None if it is not.
    pub(super) fn look(
        &self,
        work: &Folder,
        path: &[u8],
        leaf: &Leaf,
    ) -> Result<Option<Stat>, GitError> {
        let failed =
            |source| GitError::Target { path: String::from_utf8_lossy(path).into(), source };
        let Some(found) = work.stat(path).map_err(failed)? else { return Ok(None) };
        if kind_at(&found) != Some(leaf.kind) {
            return Ok(None);
        }
        let stat = stat_of(&found);
        if self.knows(path, leaf, &stat) {
            return Ok(Some(stat));
        }
        Ok(has_content(work, path, leaf).map_err(failed)??.then_some(stat))
    }

    /// Whether the index says that a file which looks so is `leaf`.
    fn knows(&self, path: &[u8], leaf: &Leaf, stat: &Stat) -> bool {
        let options =
            stat::Options { trust_ctime: true, check_stat: true, use_nsec: true, use_stdev: false };
        self.entries.get(path).is_some_and(|(_, id, known)| {
            *id == leaf.id
                && known.matches(stat, options)
                && !known.is_racy(self.state.timestamp(), options)
        })
    }

    /// Writes the index of a checkout that is `snapshot`. What was changed since its files looked as in `looks` is a
    /// change of the agent's.
    pub(super) fn write(meta: &Folder, snapshot: &Snapshot, looks: &Looks) -> Result<(), GitError> {
        let mut state = State::new(Kind::Sha1);
        for (path, leaf) in &snapshot.files {
            let stat = looks.get(path).copied().unwrap_or_default();
            let (flags, mode) = (Flags::empty(), mode_of(leaf.kind));
            state.dangerously_push_entry(stat, leaf.id, flags, mode, path.as_slice().into());
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

/// As [`Index::is`], by the content alone: the index does not know a file that was moved.
pub(super) fn is_leaf(folder: &Folder, path: &[u8], leaf: &Leaf) -> Result<bool, GitError> {
    let compared = || match folder.stat(path)? {
        Some(found) if kind_at(&found) == Some(leaf.kind) => has_content(folder, path, leaf),
        _ => Ok(Ok(false)),
    };
    compared().map_err(GitError::target("the checkout"))?
}

fn has_content(
    folder: &Folder,
    path: &[u8],
    leaf: &Leaf,
) -> std::io::Result<Result<bool, GitError>> {
    let content = match leaf.kind {
        LeafKind::Link => Some(folder.read_link(path)?),
        LeafKind::File | LeafKind::Executable => folder.read(path)?,
    };
    let Some(content) = content else { return Ok(Ok(false)) };
    Ok(blob_id(&content).map(|id| id == leaf.id))
}

/// None for what git keeps no content of.
fn kind_at(found: &rustix::fs::Stat) -> Option<LeafKind> {
    match FileType::from_raw_mode(found.st_mode) {
        FileType::RegularFile if found.st_mode & 0o100 == 0 => Some(LeafKind::File),
        FileType::RegularFile => Some(LeafKind::Executable),
        FileType::Symlink => Some(LeafKind::Link),
        _ => None,
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
pub(super) fn stat_of(found: &rustix::fs::Stat) -> Stat {
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

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        time::{Duration, SystemTime},
    };

    use super::*;

    #[test]
    fn a_file_that_is_edited_before_the_index_is_written_is_no_clean_one() {
        let keep = tempfile::tempdir().unwrap();
        let folder = Folder::open(keep.path()).unwrap();
        let path = b"file".to_vec();
        let leaf = Leaf { kind: LeafKind::File, id: blob_id(b"new").unwrap() };
        let files = BTreeMap::from([(path.clone(), leaf)]);
        let snapshot = Snapshot { files, ..Snapshot::default() };
        let write = |content: &str| {
            fs::write(keep.path().join("file"), content).unwrap();
            // Long ago, so that the time alone makes nobody read the file.
            let file = File::options().write(true).open(keep.path().join("file")).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_mins(1)).unwrap();
        };
        let look = || Index::read(&folder).look(&folder, &path, &leaf).unwrap();

        write("new");
        let looks = Looks::from([(path.clone(), look().unwrap())]);
        Index::write(&folder, &snapshot, &looks).unwrap();
        assert!(Index::read(&folder).knows(&path, &leaf, &looks[&path]));
        write("mine");
        Index::write(&folder, &snapshot, &looks).unwrap();
        assert_eq!(look(), None);
    }
}
