//! Brings a checkout, and those of its submodules, to a commit: all of it is fetched and judged before the first
//! file is touched.

use agent_jobs::Repository;
use gix_hash::ObjectId;

use super::{
    divergence::{ahead, staged},
    dot_git::{DotGit, Head},
    error::GitError,
    folder::{Folder, split},
    index::{Index, Lock},
    objects::Objects,
    place::{Place, Visible},
    remote::{History, Remote},
    session::Session,
    snapshot::{Selection, Snapshot, Submodule},
    submodules::{self, Described},
    tip::Tip,
    worktree::{Worktree, Written},
};

const SUBMODULES_DEPTH_MAX: usize = 8;

/// Which updates of a clean checkout are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Whatever the reference stands for now.
    Follow,
    /// Only to a descendant of what is there.
    FastForward,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Advanced {
    To { commit: ObjectId, written: Written },
    Diverged { head: Option<ObjectId>, tip: ObjectId, why: String },
}

pub(super) struct Checkout<'a> {
    pub(super) session: &'a Session<'a>,
    pub(super) mode: Mode,
    /// On the volume of the files; receives each file first.
    pub(super) scratch: &'a Folder,
}

/// A repository that is ready to be checked out.
struct Ready {
    place: Place,
    repository: Repository,
    work: Folder,
    objects: Objects,
    tip: Tip,
    commit: ObjectId,
    head: Option<Head>,
    old: Snapshot,
    new: Snapshot,
    described: Vec<Described>,
}

/// What there is to do about one repository.
enum Prepared {
    Nothing(ObjectId),
    Ready(Box<Ready>),
    Diverged { head: Option<ObjectId>, tip: ObjectId, why: String },
}

impl Checkout<'_> {
    pub(super) fn advance(
        &self,
        place: Place,
        (remote, tip): (Remote, Tip),
        selection: &Selection,
    ) -> Result<Advanced, GitError> {
        let repository = &self.session.job.repository;
        let root = match self.prepare(place, repository, (remote, tip), selection, self.mode)? {
            Prepared::Nothing(commit) => {
                return Ok(Advanced::To { commit, written: Written::default() });
            }
            Prepared::Diverged { head, tip, why } => {
                return Ok(Advanced::Diverged { head, tip, why });
            }
            Prepared::Ready(ready) => ready,
        };
        let (commit, head) = (root.commit, root.head.as_ref().and_then(|head| head.commit));
        let mut all = Vec::new();
        if let Some(why) = self.collect(root, &mut all, 0)? {
            return Ok(Advanced::Diverged { head, tip: commit, why });
        }
        let locks = all.iter().filter(|ready| ready.head.is_some());
        let locks =
            locks.map(|ready| Lock::take(&ready.place.meta)).collect::<Result<Vec<_>, _>>()?;
        if locks.iter().any(Option::is_none) {
            let why = "git is at work in it; it will be looked at again".into();
            return Ok(Advanced::Diverged { head, tip: commit, why });
        }
        let mut written = Written::default();
        for ready in &all {
            written.lfs_pointers += self.apply(ready)?.lfs_pointers;
        }
        Ok(Advanced::To { commit, written })
    }

    /// Prepares the submodules as well. Returns why not, if the agent's work is in the way.
    fn collect(
        &self,
        ready: Box<Ready>,
        all: &mut Vec<Ready>,
        depth: usize,
    ) -> Result<Option<String>, GitError> {
        if depth > SUBMODULES_DEPTH_MAX {
            return Err(GitError::Data("its submodules are nested too deeply".into()));
        }
        let wanted =
            if self.session.job.recurse_submodules { ready.new.submodules.clone() } else { vec![] };
        let mut nested = Vec::new();
        for submodule in &wanted {
            let named = |source| GitError::Submodule {
                path: String::from_utf8_lossy(&submodule.path).into_owned(),
                source: Box::new(source),
            };
            match self.submodule(&ready, submodule).map_err(named)? {
                None | Some(Prepared::Nothing(_)) => {}
                Some(Prepared::Diverged { why, .. }) => {
                    let path = String::from_utf8_lossy(&submodule.path);
                    return Ok(Some(format!("submodule '{path}': {why}")));
                }
                Some(Prepared::Ready(sub)) => nested.push(sub),
            }
        }
        all.push(*ready);
        for sub in nested {
            if let Some(why) = self.collect(sub, all, depth + 1)? {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    /// None where `.gitmodules` does not know it, as git leaves it alone then.
    fn submodule(&self, of: &Ready, sub: &Submodule) -> Result<Option<Prepared>, GitError> {
        let Some(described) = of.described.iter().find(|described| described.path == sub.path)
        else {
            return Ok(None);
        };
        let repository = described.repository(&of.repository)?;
        let failed = GitError::target("a submodule");
        let meta = of.place.meta.ensure(b"modules").map_err(failed)?;
        let meta = meta.ensure(described.name.as_bytes()).map_err(failed)?;
        let (parent, name) = if sub.at.is_empty() {
            (of.place.parent.descend(b"").map_err(failed)?, of.place.name.clone())
        } else {
            let (above, name) = split(&sub.at);
            (of.work.ensure(above).map_err(failed)?, name.to_vec())
        };
        let visible = of.place.visible.as_ref().map(|visible| visible.nested(described, &sub.at));
        let place = Place { parent, name, meta, visible };
        let opened = self.session.pinned(&repository, sub.commit)?;
        // Its repository says which commit: an older one is no loss.
        self.prepare(place, &repository, opened, &sub.selection, Mode::Follow).map(Some)
    }

    fn prepare(
        &self,
        place: Place,
        repository: &Repository,
        (remote, tip): (Remote, Tip),
        selection: &Selection,
        mode: Mode,
    ) -> Result<Prepared, GitError> {
        // Without `.git` there is no history, and nobody's commits.
        let mode = if place.visible.is_some() { mode } else { Mode::Follow };
        let reference = &self.session.job.reference;
        let is_new = DotGit(&place.meta).is_new()?;
        let head = DotGit(&place.meta).head()?;
        let at = head.as_ref().and_then(|head| head.commit);
        let objects = self.fetch(&place, remote, &tip, at)?;
        let commit = objects.commit(tip.id)?.ok_or_else(|| GitError::NoCommit {
            place: repository.as_str().to_owned(),
            reference: reference.as_str().to_owned(),
        })?;
        if at == Some(commit) {
            return Ok(Prepared::Nothing(commit));
        }
        let diverged = |why: String| Ok(Prepared::Diverged { head: at, tip: commit, why });
        let old = match (&head, at) {
            _ if is_new => Snapshot::default(),
            (Some(head), Some(at)) => {
                match ahead(&place.meta, &objects, head, (at, commit), (&tip, mode))? {
                    Some(why) => return diverged(why),
                    None => Snapshot::of(&objects, at, selection, reference)?,
                }
            }
            _ => return diverged("its HEAD is not a commit".into()),
        };
        let new = Snapshot::of(&objects, commit, selection, reference)?;
        if new.is_file && place.name.is_empty() {
            let path = String::from_utf8_lossy(&selection.path).into_owned();
            return Err(GitError::FileForFolder { path });
        }
        if !is_new && old.is_file != new.is_file {
            return diverged("a file became a folder, or the other way round".into());
        }
        let (old, new) = (place.named(old), place.named(new));
        let work = place.work(new.is_file)?;
        let index = Index::read(&place.meta);
        let files = Worktree { work: &work, scratch: self.scratch };
        if let Some(path) = files.edited(&index, &old, &new)? {
            return diverged(format!("'{}' was changed here", String::from_utf8_lossy(&path)));
        }
        if let Some(path) = staged(&index, &old, &new) {
            return diverged(format!("'{}' is staged here", String::from_utf8_lossy(&path)));
        }
        let described = submodules::described(&objects, commit)?;
        let repository = repository.clone();
        let ready =
            Ready { place, repository, work, objects, tip, commit, head, old, new, described };
        Ok(Prepared::Ready(Box::new(ready)))
    }

    /// Sees to it that what the tip needs is there.
    fn fetch(
        &self,
        place: &Place,
        mut remote: Remote,
        tip: &Tip,
        at: Option<ObjectId>,
    ) -> Result<Objects, GitError> {
        let dot_git = DotGit(&place.meta);
        let is_new = dot_git.is_new()?;
        let history = match self.session.history() {
            depth if is_new => depth,
            _ if place.visible.is_some() => History::Since,
            _ => History::Depth(1),
        };
        let wants = tip.wants();
        if is_new || !Objects::open(&place.meta)?.have(&wants) {
            let haves: Vec<_> = at.into_iter().collect();
            remote.fetch(&wants, &haves, history, &place.meta)?;
        }
        if !is_new {
            // For the agent's git only: a name that is in the way of another holds no update up.
            drop(dot_git.set_references(&tip.references));
        }
        Objects::open(&place.meta)
    }

    fn apply(&self, ready: &Ready) -> Result<Written, GitError> {
        let Ready { place, work, objects, old, new, tip, commit, .. } = ready;
        let files = Worktree { work, scratch: self.scratch };
        let written = files.update(&Index::read(&place.meta), objects, old, new)?;
        Index::write(work, &place.meta, new)?;
        let dot_git = DotGit(&place.meta);
        if ready.head.is_some() {
            dot_git.set_head(tip.branch.as_deref(), *commit)?;
            return Ok(written);
        }
        let worktree = match &place.visible {
            Some(Visible::Linked { repository, worktree }) => {
                let link = format!("gitdir: {repository}\n");
                let placed = work.place(b".git", link.as_bytes(), 0o666, self.scratch);
                placed.map_err(GitError::target("a submodule's .git"))?;
                Some(worktree.as_str())
            }
            _ => None,
        };
        dot_git.create(&ready.repository, tip, *commit, worktree)?;
        Ok(written)
    }
}
