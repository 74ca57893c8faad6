//! Where a job's checkout is, and where its repository is kept.

use std::path::Path as FsPath;

use agent_jobs::GitJob;
use rustix::fs::FileType;
use serde::{Deserialize, Serialize};

use super::{
    dot_git::DotGit,
    error::GitError,
    folder::{Folder, split},
    place::{Place, Visible},
    snapshot::{Path, Selection},
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
        let (above, name) = split(job.target.path.as_str().as_bytes());
        let path = format!("{}/{}", job.target.root, job.target.path.as_str());
        let parent = root.ensure(above).map_err(GitError::target(&path))?;
        let state = job.state.as_deref().map(open_state).transpose()?;
        let selection = Selection::new(job.path.as_ref(), &job.select);
        Ok(Self { job, selection, parent, name: name.to_vec(), state })
    }

    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.job.target.root, self.job.target.path.as_str())
    }

    /// What outlives the containers of the pod.
    pub(super) fn state(&self) -> Option<&Folder> {
        self.state.as_ref()
    }

    /// Where host keys are kept: with a checkout that outlives the pod, or with the pod.
    pub(super) fn pins(&self) -> Result<Folder, GitError> {
        match &self.state {
            Some(state) if self.is_kept_in_state() => again(state),
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

    fn beside_name(&self) -> Path {
        [b".", self.name.as_slice(), b".kubeopencode"].concat()
    }

    fn failed(&self) -> impl FnOnce(std::io::Error) -> GitError + Copy + use<'_, 'a> {
        move |source| GitError::Target { path: self.path(), source }
    }

    pub(super) fn find(&self) -> Result<Found, GitError> {
        let Some(stat) = self.parent.stat(&self.name).map_err(self.failed())? else {
            return Ok(Found::Nothing);
        };
        let is_folder = FileType::from_raw_mode(stat.st_mode) == FileType::Directory;
        let folder = if is_folder {
            Some(self.parent.child(&self.name).map_err(self.failed())?)
        } else {
            None
        };
        if let Some(folder) = &folder
            && folder.entries().map_err(self.failed())?.is_empty()
        {
            return Ok(Found::Nothing);
        }
        let meta = match (&folder, self.selection.is_whole()) {
            (Some(folder), true) => folder.child(b".git").ok(),
            (None, true) => None,
            (_, false) => self.repository_folder()?.child(REPOSITORY).ok(),
        };
        let Some(meta) = meta else { return Ok(Found::Other("something else".into())) };
        if DotGit(&meta).is_new()? {
            return Ok(Found::Other("something else".into()));
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

    fn place(&self, parent: Folder, meta: Folder) -> Place {
        let visible = self.selection.is_whole().then_some(Visible::Inside);
        Place { parent, name: self.name.clone(), meta, visible }
    }

    /// An empty place for a clone, on the target's volume. What an earlier try left is removed.
    pub(super) fn stage(&self) -> Result<Place, GitError> {
        let beside = self.beside()?;
        beside.remove_all(STAGING).map_err(self.failed())?;
        let staging = beside.ensure(STAGING).map_err(self.failed())?;
        let meta = if self.selection.is_whole() {
            staging.ensure(&[self.name.as_slice(), b"/.git"].concat()).map_err(self.failed())?
        } else {
            let folder = self.repository_folder()?;
            folder.remove_all(REPOSITORY).map_err(self.failed())?;
            folder.ensure(REPOSITORY).map_err(self.failed())?
        };
        Ok(self.place(staging, meta))
    }

    /// Puts a clone that is whole where it belongs, at once.
    pub(super) fn unstage(&self) -> Result<(), GitError> {
        let beside = self.beside()?;
        let staging = beside.child(STAGING).map_err(self.failed())?;
        if !self.selection.is_whole() {
            let meta = self.repository_folder()?.child(REPOSITORY).map_err(self.failed())?;
            let selected = serde_json::to_vec(&self.wanted()).map_err(GitError::data)?;
            meta.place(SELECTED, &selected, 0o666, &meta).map_err(self.failed())?;
        }
        // A file cannot take the place of an empty folder.
        self.parent.remove_empty(&self.name);
        staging.rename(&self.name, &self.parent, &self.name).map_err(self.failed())?;
        beside.remove_all(STAGING).map_err(self.failed())
    }

    /// Removes what is needed no more once the checkout is there. The repository of one without `.git` stays: a pod
    /// whose sandbox is made anew runs its init containers once more, on the same volumes.
    pub(super) fn tidy(&self) -> Result<(), GitError> {
        let has_repository = !self.selection.is_whole() && !self.is_kept_in_state();
        let is_needed = has_repository || self.job.sync.is_some() || self.job.persistent;
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
