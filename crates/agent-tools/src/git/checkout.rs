//! Brings a checkout, and those of its submodules, to a commit: all of it is fetched and judged before the first
//! file is touched.

use gix_hash::ObjectId;

use super::{
    dot_git::DotGit,
    error::GitError,
    folder::{Folder, split},
    place::Place,
    ready::{Move, Ready, changed},
    remote::Remote,
    session::Session,
    snapshot::{Selection, Submodule},
    tip::Tip,
    worktree::{Updated, Written},
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

/// What is known of a whole checkout before a file of it is touched.
pub(super) enum Judged {
    /// It is at this commit.
    There(ObjectId),
    /// The first repository, and the submodules in it, can be brought to their commits.
    Clear(Vec<Ready>),
    Diverged {
        head: Option<ObjectId>,
        tip: ObjectId,
        why: String,
    },
}

/// What there is to do about one repository.
pub(super) enum Prepared {
    Nothing(ObjectId),
    Ready(Box<Ready>),
    Diverged { head: Option<ObjectId>, tip: ObjectId, why: String },
}

impl Checkout<'_> {
    pub(super) fn advance(
        &self,
        place: Place,
        opened: (Remote, Tip),
        selection: &Selection,
    ) -> Result<Advanced, GitError> {
        let all = match self.judge(place, opened, selection)? {
            Judged::There(commit) => {
                return Ok(Advanced::To { commit, written: Written::default() });
            }
            Judged::Diverged { head, tip, why } => {
                return Ok(Advanced::Diverged { head, tip, why });
            }
            Judged::Clear(all) => all,
        };
        match self.bring(&all)? {
            Ok(written) => Ok(Advanced::To { commit: all[0].commit, written }),
            Err(why) => {
                let (head, tip) = all[0].between()?;
                Ok(Advanced::Diverged { head, tip, why })
            }
        }
    }

    /// Fetches what the commit needs, and says whether all of it can be brought there. Writes no file of it.
    pub(super) fn judge(
        &self,
        place: Place,
        opened: (Remote, Tip),
        selection: &Selection,
    ) -> Result<Judged, GitError> {
        let repository = &self.session.job.repository;
        let root = match self.prepare(place, repository, opened, selection, self.mode)? {
            Prepared::Nothing(commit) => return Ok(Judged::There(commit)),
            Prepared::Diverged { head, tip, why } => {
                return Ok(Judged::Diverged { head, tip, why });
            }
            Prepared::Ready(ready) => ready,
        };
        let mut all = vec![*root];
        match self.collect(&mut all, 0, 0)? {
            None => Ok(Judged::Clear(all)),
            Some(why) => {
                let (head, tip) = all[0].between()?;
                Ok(Judged::Diverged { head, tip, why })
            }
        }
    }

    /// Brings all of them to their commits; or says which work of the agent's is in the way. All files come before
    /// any `HEAD`, and that of a repository after those in it: what is cut short is looked at again.
    fn bring(&self, all: &[Ready]) -> Result<Result<Written, String>, GitError> {
        let moves: Vec<Move<'_>> =
            all.iter().filter_map(|ready| ready.to_move(self.scratch)).collect();
        let mut locks = Vec::new();
        for one in &moves {
            match one.lock()? {
                Ok(taken) => locks.extend(taken),
                Err(why) => return Ok(Err(one.named(&why))),
            }
        }
        // The servers took their time, in which the agent worked.
        for one in &moves {
            if let Some(why) = one.obstacle()? {
                return Ok(Err(one.named(&why)));
            }
        }
        let (mut written, mut done) = (Written::default(), Vec::new());
        for one in &moves {
            match one.write()? {
                Updated::Changed(path) => return Ok(Err(one.named(&changed(&path)))),
                Updated::Whole(more, seen) => {
                    written.lfs_pointers += more.lfs_pointers;
                    done.push((one, seen));
                }
            }
        }
        for (one, seen) in done.iter().rev() {
            one.conclude(seen)?;
        }
        Ok(Ok(written))
    }

    /// Prepares the submodules of one of `all` as well. Returns why not, if the agent's work is in the way.
    fn collect(
        &self,
        all: &mut Vec<Ready>,
        of: usize,
        depth: usize,
    ) -> Result<Option<String>, GitError> {
        if depth > SUBMODULES_DEPTH_MAX {
            return Err(GitError::Data("its submodules are nested too deeply".into()));
        }
        let wanted = if self.session.job.recurse_submodules {
            all[of].new.submodules.clone()
        } else {
            vec![]
        };
        for submodule in &wanted {
            let named = |source| GitError::Submodule {
                path: String::from_utf8_lossy(&submodule.path).into_owned(),
                source: Box::new(source),
            };
            match self.submodule(&all[of], submodule).map_err(named)? {
                None | Some(Prepared::Nothing(_)) => {}
                Some(Prepared::Diverged { why, .. }) => {
                    let path = String::from_utf8_lossy(&submodule.path);
                    return Ok(Some(format!("submodule '{path}': {why}")));
                }
                Some(Prepared::Ready(sub)) => {
                    all.push(*sub);
                    if let Some(why) = self.collect(all, all.len() - 1, depth + 1)? {
                        return Ok(Some(why));
                    }
                }
            }
        }
        Ok(None)
    }

    /// None where `.gitmodules` does not know it, as git leaves it alone then, and where it is the agent's.
    fn submodule(&self, of: &Ready, sub: &Submodule) -> Result<Option<Prepared>, GitError> {
        let Some(described) = of.described.iter().find(|described| described.path == sub.path)
        else {
            return Ok(None);
        };
        let repository = described.repository(&of.repository)?;
        let failed = GitError::target("a submodule");
        let meta = of.place.meta.ensure(b"modules").map_err(failed)?;
        let meta = meta.ensure(described.name.as_bytes()).map_err(failed)?;
        let dot_git = DotGit(&meta);
        dot_git.clear_locks()?;
        let at = dot_git.head()?.and_then(|head| head.commit);
        let is_there = at == Some(sub.commit);
        // Where the repository itself has nothing to do, the agent may have chosen another commit of the submodule.
        if of.step.is_none() && at.is_some() && !is_there && at != dot_git.synced()? {
            return Ok(None);
        }
        let (parent, name) = if sub.at.is_empty() {
            (of.place.parent.descend(b"").map_err(failed)?, of.place.name.clone())
        } else {
            let (above, name) = split(&sub.at);
            let parent = if is_there {
                // If somebody removed it, it stays so.
                let Ok(parent) = of.work.descend(above) else { return Ok(None) };
                parent
            } else {
                of.work.ensure(above).map_err(failed)?
            };
            (parent, name.to_vec())
        };
        let visible = of.place.visible.as_ref().map(|visible| visible.nested(described, &sub.at));
        let place = Place { parent, name, meta, visible };
        let prepared = if is_there {
            self.there(place, &repository, sub.commit, &sub.selection)?
        } else {
            let opened = self.session.pinned(&repository, sub.commit)?;
            // Its repository says which commit: an older one is no loss.
            self.prepare(place, &repository, opened, &sub.selection, Mode::Follow)?
        };
        Ok(Some(match prepared {
            Prepared::Ready(mut ready) => {
                ready.submodule = Some(String::from_utf8_lossy(&sub.path).into_owned());
                Prepared::Ready(ready)
            }
            other => other,
        }))
    }
}
