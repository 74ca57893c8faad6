//! Fetches what a repository's commit needs, and judges whether the checkout can be brought to it. Writes no file of
//! the checkout.

use agent_jobs::Repository;
use gix_hash::ObjectId;

use super::{
    checkout::{Checkout, Mode, Prepared},
    divergence::ahead,
    dot_git::DotGit,
    error::GitError,
    objects::Objects,
    place::Place,
    ready::{Move, Ready, Step},
    remote::{History, Remote},
    snapshot::{Selection, Snapshot},
    submodules,
    tip::Tip,
};

impl Checkout<'_> {
    pub(super) fn prepare(
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
            return self.there(place, repository, commit, selection);
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
        let step = Step { tip, mode, head, old: place.named(old) };
        let work = place.work(new.is_file)?;
        let new = place.named(new);
        let described = submodules::described(&objects, commit)?;
        let repository = repository.clone();
        let ready = Ready {
            place,
            repository,
            work,
            objects,
            commit,
            new,
            described,
            submodule: None,
            step: Some(step),
        };
        let obstacle = ready.to_move(self.scratch).map_or(Ok(None), Move::obstacle)?;
        obstacle.map_or_else(|| Ok(Prepared::Ready(Box::new(ready))), diverged)
    }

    /// Of a repository that is at its commit: its submodules may not be, as an update was cut short, or as they were
    /// not wanted before.
    pub(super) fn there(
        &self,
        place: Place,
        repository: &Repository,
        commit: ObjectId,
        selection: &Selection,
    ) -> Result<Prepared, GitError> {
        let objects = Objects::open(&place.meta)?;
        let described = if self.session.job.recurse_submodules {
            submodules::described(&objects, commit)?
        } else {
            vec![]
        };
        if described.is_empty() {
            return Ok(Prepared::Nothing(commit));
        }
        let new = Snapshot::of(&objects, commit, selection, &self.session.job.reference)?;
        let at = if new.is_file { &[] } else { place.name.as_slice() };
        // If somebody removed it, it stays so.
        let Ok(work) = place.parent.descend(at) else { return Ok(Prepared::Nothing(commit)) };
        let repository = repository.clone();
        let ready = Ready {
            place,
            repository,
            work,
            objects,
            commit,
            new,
            described,
            submodule: None,
            step: None,
        };
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
        let objects = Objects::open(&place.meta)?;
        if !is_new {
            // A tag that is followed is where it was put last, unless the agent moved it.
            let (reference, synced) = (self.session.job.reference.as_str(), dot_git.synced()?);
            let is_followed = |name: &str| {
                name.strip_prefix("refs/tags/").is_some_and(|tag| [name, tag].contains(&reference))
            };
            let is_ours = |name: &str, id| {
                tip.branch.is_none()
                    && is_followed(name)
                    && synced.is_some()
                    && objects.commit(id).is_ok_and(|commit| commit == synced)
            };
            dot_git.set_references(&tip.references, is_ours);
        }
        Ok(objects)
    }
}
