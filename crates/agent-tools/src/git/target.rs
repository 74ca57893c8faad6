//! Where a job's checkout is, and where its repository is kept.

use std::path::Path as FsPath;

use agent_jobs::{GitJob, RelativePath};
use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::{
    dot_git::DotGit,
    error::GitError,
    folder::{Folder, split},
    place::{Place, Visible},
    snapshot::{Path, Selection, join},
};

const REPOSITORY: &[u8] = b"repository";
const STAGING: &[u8] = b"staging";
const SELECTED: &[u8] = b"kubeopencode-selection";

/// What a checkout without `.git` holds: it is another one when this changes.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Selected {
    repository: String,
    reference: String,
    path: Option<String>,
    select: Vec<String>,
}

pub(super) struct Target<'a> {
    job: &'a GitJob,
    pub(super) selection: Selection,
    parent: Folder,
    name: Path,
    state: Option<Folder>,
}

/// What is at the target.
pub(super) enum Found {
    Nothing,
    /// A checkout of the job's repository.
    Checkout(Place),
    /// Something else, which is none of ours, with what it is.
    Other(String),
}

impl<'a> Target<'a> {
    pub(super) fn open(job: &'a GitJob) -> Result<Self, GitError> {
        let failed = GitError::target(&job.target.root);
        let root = Folder::open(FsPath::new(&job.target.root)).map_err(failed)?;
        let path = job.target.path.as_ref().map_or("", RelativePath::as_str);
        let (above, name) = split(path.as_bytes());
        let path = path_of(job);
        let parent = root.ensure(above).map_err(GitError::target(&path))?;
        let state = job.state.as_deref().map(open_state).transpose()?;
        let selection = Selection::new(job.path.as_ref(), &job.select);
        Ok(Self { job, selection, parent, name: name.to_vec(), state })
    }

    pub(super) fn path(&self) -> String {
        path_of(self.job)
    }

    /// Whether it is a folder that was there before, such as a volume, with whatever else is in it.
    fn is_root(&self) -> bool {
        self.name.is_empty()
    }

    /// What outlives the containers of the pod.
    pub(super) fn state(&self) -> Option<&Folder> {
        self.state.as_ref()
    }

    /// Where host keys are kept: with a checkout that outlives the pod, or with the pod.
    pub(super) fn pins(&self, meta: &Folder) -> Result<Folder, GitError> {
        match &self.state {
            Some(state) if self.is_kept_in_state() => again(state),
            _ if self.selection.is_whole() => again(meta),
            _ => self.beside(),
        }
    }

    /// Whether what is kept lives as long as the pod; or with a checkout that outlives it.
    fn is_kept_in_state(&self) -> bool {
        self.state.is_some() && !self.job.persistent
    }

    /// A folder of ours on the target's volume.
    pub(super) fn beside(&self) -> Result<Folder, GitError> {
        self.parent.ensure(&self.beside_name()).map_err(GitError::target(&self.path()))
    }

    /// The folder that receives each file of a checkout first.
    pub(super) fn scratch(&self, place: &Place) -> Result<Folder, GitError> {
        match &place.visible {
            Some(_) => place.meta.descend(b"").map_err(GitError::target(".git")),
            None => self.beside(),
        }
    }

    /// Whether the target is no folder, but a file or a link.
    pub(super) fn is_file(&self) -> Result<bool, GitError> {
        let stat = if self.is_root() {
            None
        } else {
            self.parent.stat(&self.name).map_err(self.failed())?
        };
        Ok(stat.is_some_and(|stat| FileType::from_raw_mode(stat.st_mode) != FileType::Directory))
    }

    fn beside_name(&self) -> Path {
        let name = if self.is_root() { b"git" } else { self.name.as_slice() };
        [b".", name, b".kubeopencode"].concat()
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> GitError + Copy + use<'_, 'a> {
        move |source| GitError::Target { path: self.path(), source }
    }

    pub(super) fn find(&self) -> Result<Found, GitError> {
        let folder = if self.is_root() { Some(again(&self.parent)?) } else { self.folder()? };
        let meta = match (&folder, self.selection.is_whole()) {
            (Some(folder), true) => folder.child(b".git").ok(),
            (None, true) => None,
            (_, false) => self.repository_folder()?.child(REPOSITORY).ok(),
        };
        let is_free = self.is_root() || self.is_empty(folder.as_ref())?;
        let other = || Ok(Found::Other("something else".into()));
        let has_git = |folder: &Folder| folder.stat(b".git").is_ok_and(|found| found.is_some());
        let Some(meta) = meta else {
            // Something that is called so stays.
            let is_taken = self.selection.is_whole() && folder.as_ref().is_some_and(has_git);
            return if is_free && !is_taken { Ok(Found::Nothing) } else { other() };
        };
        if is_free && !self.is_root() {
            return Ok(Found::Nothing);
        }
        if DotGit(&meta).is_new()? {
            // What an update of the repository's own folder left.
            return if self.is_root() && !self.selection.is_whole() {
                Ok(Found::Nothing)
            } else {
                other()
            };
        }
        let origin = DotGit(&meta).origin()?.unwrap_or_default();
        if plain(&origin) != plain(self.job.repository.as_str()) {
            let origin = super::error::printable(&without_user(&origin));
            return Ok(Found::Other(format!("a checkout of {origin}")));
        }
        if !self.selection.is_whole() && selected(&meta) != Some(self.wanted()) {
            return Ok(Found::Other("what another path, ref or list of names selected".into()));
        }
        Ok(Found::Checkout(self.place(again(&self.parent)?, meta)))
    }

    /// The folder at the target, if it is one.
    fn folder(&self) -> Result<Option<Folder>, GitError> {
        let stat = self.parent.stat(&self.name).map_err(self.failed())?;
        let is_folder = |mode| FileType::from_raw_mode(mode) == FileType::Directory;
        match stat {
            Some(stat) if is_folder(stat.st_mode) => {
                self.parent.child(&self.name).map(Some).map_err(self.failed())
            }
            _ => Ok(None),
        }
    }

    /// Whether nothing is at the target, or an empty folder.
    fn is_empty(&self, folder: Option<&Folder>) -> Result<bool, GitError> {
        match folder {
            Some(folder) => Ok(folder.entries().map_err(self.failed())?.is_empty()),
            None => Ok(self.parent.stat(&self.name).map_err(self.failed())?.is_none()),
        }
    }

    fn place(&self, parent: Folder, meta: Folder) -> Place {
        let visible = self.selection.is_whole().then_some(Visible::Inside);
        Place { parent, name: self.name.clone(), meta, visible }
    }

    /// A place for a clone, on the target's volume: empty, or the target itself where that is a folder with other
    /// things in it. What an earlier try left is removed.
    pub(super) fn stage(&self) -> Result<Place, GitError> {
        let beside = self.beside()?;
        beside.remove_all(STAGING).map_err(self.failed())?;
        let staging = beside.ensure(STAGING).map_err(self.failed())?;
        let meta = if self.selection.is_whole() {
            let path = if self.is_root() { b".git".to_vec() } else { join(&self.name, b".git") };
            staging.ensure(&path).map_err(self.failed())?
        } else {
            let folder = self.repository_folder()?;
            folder.remove_all(REPOSITORY).map_err(self.failed())?;
            folder.ensure(REPOSITORY).map_err(self.failed())?
        };
        let parent = if self.is_root() { again(&self.parent)? } else { staging };
        Ok(self.place(parent, meta))
    }

    /// Puts a clone that is whole where it belongs, at once; of one whose files are there already only `.git`.
    pub(super) fn unstage(&self) -> Result<(), GitError> {
        let beside = self.beside()?;
        let staging = beside.child(STAGING).map_err(self.failed())?;
        if !self.selection.is_whole() {
            let meta = self.repository_folder()?.child(REPOSITORY).map_err(self.failed())?;
            let selected = serde_json::to_vec(&self.wanted()).map_err(GitError::data)?;
            meta.place(SELECTED, &selected, 0o666, &meta).map_err(self.failed())?;
        }
        if !self.is_root() {
            // A file cannot take the place of an empty folder.
            self.parent.remove_empty(&self.name);
            staging.rename(&self.name, &self.parent, &self.name).map_err(self.failed())?;
        } else if self.selection.is_whole() {
            staging.rename(b".git", &self.parent, b".git").map_err(self.failed())?;
        }
        beside.remove_all(STAGING).map_err(self.failed())
    }

    /// Removes what is needed no more once the checkout is there. The repository of one without `.git` stays: a pod
    /// whose sandbox is made anew runs its init containers once more, on the same volumes.
    pub(super) fn tidy(&self) -> Result<(), GitError> {
        let is_needed =
            !self.selection.is_whole() && (!self.is_kept_in_state() || self.job.sync.is_some());
        if !is_needed {
            self.parent.remove_all(&self.beside_name()).map_err(self.failed())?;
        }
        Ok(())
    }

    /// Where the repository of a checkout without `.git` is.
    fn repository_folder(&self) -> Result<Folder, GitError> {
        match &self.state {
            Some(state) if self.is_kept_in_state() => again(state),
            _ => self.beside(),
        }
    }

    fn wanted(&self) -> Selected {
        Selected {
            repository: self.job.repository.as_str().to_owned(),
            reference: self.job.reference.as_str().to_owned(),
            path: self.job.path.as_ref().map(|path| path.as_str().to_owned()),
            select: self.job.select.iter().map(|path| path.as_str().to_owned()).collect(),
        }
    }
}

fn selected(meta: &Folder) -> Option<Selected> {
    serde_json::from_slice(&meta.read_small(SELECTED).ok()??).ok()
}

fn path_of(job: &GitJob) -> String {
    let path = job.target.path.iter().map(RelativePath::as_str);
    [job.target.root.as_str()].into_iter().chain(path).collect::<Vec<_>>().join("/")
}

fn open_state(path: &str) -> Result<Folder, GitError> {
    let failed = |source| GitError::State { path: path.to_owned(), source };
    std::fs::create_dir_all(path).map_err(failed)?;
    Folder::open(FsPath::new(path)).map_err(failed)
}

fn again(folder: &Folder) -> Result<Folder, GitError> {
    folder.descend(b"").map_err(GitError::target("a folder"))
}

/// Two spellings of one URL.
fn plain(url: &str) -> &str {
    let url = url.trim_end_matches('/');
    url.strip_suffix(".git").unwrap_or(url)
}

/// The agent may have put a password into the URL.
fn without_user(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}
