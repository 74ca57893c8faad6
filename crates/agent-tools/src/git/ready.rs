//! A repository whose commit is there, and that is ready to be brought to it: judged, written, and then said to be
//! there.

use agent_jobs::Repository;
use gix_hash::ObjectId;

use super::{
    checkout::Mode,
    divergence::{ahead, staged},
    dot_git::{DotGit, Head},
    error::GitError,
    folder::Folder,
    index::{Index, Looks},
    lock::Lock,
    objects::Objects,
    place::{Place, Visible},
    snapshot::Snapshot,
    submodules::Described,
    tip::Tip,
    worktree::{Updated, Worktree},
};

pub(super) struct Ready {
    pub(super) place: Place,
    pub(super) repository: Repository,
    pub(super) work: Folder,
    pub(super) objects: Objects,
    pub(super) commit: ObjectId,
    pub(super) new: Snapshot,
    pub(super) described: Vec<Described>,
    /// Its path in the repository that it is a submodule of.
    pub(super) submodule: Option<String>,
    /// None where its own files are there already, and only its submodules are looked at.
    pub(super) step: Option<Step>,
}

/// From where a repository is brought to its commit.
pub(super) struct Step {
    pub(super) tip: Tip,
    pub(super) mode: Mode,
    /// None where nothing was ever checked out.
    pub(super) head: Option<Head>,
    pub(super) old: Snapshot,
}

/// A repository with something to do about its own files.
#[derive(Clone, Copy)]
pub(super) struct Move<'a> {
    ready: &'a Ready,
    step: &'a Step,
    /// On the volume of the files; receives each file first.
    scratch: &'a Folder,
}

impl Ready {
    /// The commit that is checked out, and that which is to be.
    pub(super) fn between(&self) -> Result<(Option<ObjectId>, ObjectId), GitError> {
        let head = DotGit(&self.place.meta).head()?.and_then(|head| head.commit);
        Ok((head, self.commit))
    }

    pub(super) fn to_move<'a>(&'a self, scratch: &'a Folder) -> Option<Move<'a>> {
        self.step.as_ref().map(|step| Move { ready: self, step, scratch })
    }
}

impl<'a> Move<'a> {
    /// A sentence about it, in one about the whole checkout.
    pub(super) fn named(self, why: &str) -> String {
        match &self.ready.submodule {
            Some(path) => format!("submodule '{path}': {why}"),
            None => why.to_owned(),
        }
    }

    /// Keeps git from the repository until all of them are dropped; or says why that is not to be.
    pub(super) fn lock(self) -> Result<Result<Vec<Lock<'a>>, String>, GitError> {
        let mut locks = Vec::new();
        // Nobody works with one that was never checked out.
        let is_new = self.step.head.is_none();
        let names = if is_new { vec![] } else { DotGit::locks(self.step.tip.branch.as_deref()) };
        for name in names {
            match Lock::take(&self.ready.place.meta, &name)? {
                Some(lock) => locks.push(lock),
                None => {
                    return Ok(Err(format!(
                        "git is at work in it, as its {name}.lock says; it will be looked at again"
                    )));
                }
            }
        }
        Ok(Ok(locks))
    }

    /// What the agent made of it that would be lost, if there is anything.
    pub(super) fn obstacle(self) -> Result<Option<String>, GitError> {
        let Ready { place, work, new, .. } = self.ready;
        let old = &self.step.old;
        if let Some(why) = self.moved()? {
            return Ok(Some(why));
        }
        let index = Index::read(&place.meta);
        let files = Worktree { work, scratch: self.scratch };
        if let Some(path) = files.edited(&index, old, new)? {
            return Ok(Some(changed(&path)));
        }
        if self.link().is_some_and(|link| !self.is_free(&link)) {
            return Ok(Some(changed(b".git")));
        }
        let staged = staged(&index, old, new);
        Ok(staged.map(|path| format!("'{}' is staged here", String::from_utf8_lossy(&path))))
    }

    /// Why it is no longer what it was found to be, if it is not.
    fn moved(self) -> Result<Option<String>, GitError> {
        let Ready { place, objects, commit, .. } = self.ready;
        let Step { tip, mode, head: known, .. } = self.step;
        let dot_git = DotGit(&place.meta);
        let head = dot_git.head()?;
        if head == *known && dot_git.is_new()? == known.is_none() {
            return Ok(None);
        }
        let ahead = match head.as_ref().and_then(|head| Some((head, head.commit?))) {
            Some((head, at)) => ahead(&place.meta, objects, head, (at, *commit), (tip, *mode))?,
            None => None,
        };
        let moved = || "another commit was checked out here; it will be looked at again".into();
        Ok(Some(ahead.unwrap_or_else(moved)))
    }

    /// Brings the files to the commit.
    pub(super) fn write(self) -> Result<Updated, GitError> {
        let Ready { place, work, objects, new, .. } = self.ready;
        let files = Worktree { work, scratch: self.scratch };
        files.update(&Index::read(&place.meta), objects, &self.step.old, new)
    }

    /// Says that the commit is checked out.
    pub(super) fn conclude(self, looks: &Looks) -> Result<(), GitError> {
        let Ready { place, repository, work, commit, new, .. } = self.ready;
        let tip = &self.step.tip;
        Index::write(&place.meta, new, looks)?;
        let dot_git = DotGit(&place.meta);
        if self.step.head.is_some() {
            return dot_git.set_head(tip.branch.as_deref(), *commit);
        }
        if let Some(link) = self.link() {
            let placed = work.place(b".git", link.as_bytes(), 0o666, self.scratch);
            placed.map_err(GitError::target("a submodule's .git"))?;
        }
        let worktree = match &place.visible {
            Some(Visible::Linked { worktree, .. }) => Some(worktree.as_str()),
            _ => None,
        };
        dot_git.create(repository, tip, *commit, worktree)
    }

    /// What the `.git` of a new submodule is to say.
    fn link(self) -> Option<String> {
        match &self.ready.place.visible {
            Some(Visible::Linked { repository, .. }) if self.step.head.is_none() => {
                Some(format!("gitdir: {repository}\n"))
            }
            _ => None,
        }
    }

    /// Whether no other `.git` is there.
    fn is_free(self, link: &str) -> bool {
        let work = &self.ready.work;
        work.stat(b".git").is_ok_and(|found| found.is_none())
            || work.read_small(b".git").is_ok_and(|found| found.as_deref() == Some(link.as_bytes()))
    }
}

pub(super) fn changed(path: &[u8]) -> String {
    format!("'{}' was changed here", String::from_utf8_lossy(path))
}
