//! Clones a repository before the agent starts, or brings an older clone up to date without touching what the
//! agent made of it.

use agent_jobs::{GitJob, GitReport, GitState};

use super::{
    Tool,
    checkout::{Advanced, Checkout, Mode},
    dot_git::DotGit,
    error::GitError,
    gone,
    place::Place,
    report, state,
    target::{Found, Target},
};

impl Tool {
    pub(super) fn init(&self, job: &GitJob) -> Result<GitReport, GitError> {
        let target = Target::open(job)?;
        let report = match target.find()? {
            Found::Nothing => self.retry(|| self.clone_into(&target, job))?,
            Found::Checkout(place) => self.existing(&target, job, &place)?,
            Found::Other(what) if job.persistent => {
                let why = format!("{} holds {what}, which is left alone", target.path());
                report(job, String::new(), GitState::Diverged { commit: String::new(), why })
            }
            Found::Other(_) => {
                let place = job.repository.as_str().to_owned();
                return Err(GitError::Occupied { path: target.path(), place });
            }
        };
        if let Some(folder) = target.state() {
            state::keep(folder, &report)?;
        }
        target.tidy()?;
        Ok(report)
    }

    fn clone_into(&self, target: &Target<'_>, job: &GitJob) -> Result<GitReport, GitError> {
        let place = target.stage()?;
        let session = self.session(target, job, &place.meta)?;
        let scratch = target.beside()?;
        let checkout = Checkout { session: &session, mode: Mode::Follow, scratch: &scratch };
        match checkout.advance(place, session.tip()?, &target.selection)? {
            Advanced::Diverged { .. } if !job.persistent => {
                let place = job.repository.as_str().to_owned();
                Err(GitError::Occupied { path: target.path(), place })
            }
            advanced => {
                if matches!(advanced, Advanced::To { .. }) {
                    target.unstage()?;
                }
                Ok(outcome(job, advanced))
            }
        }
    }

    /// What is there can be worked with, so a server that does not answer keeps no agent from starting.
    fn existing(
        &self,
        target: &Target<'_>,
        job: &GitJob,
        place: &Place,
    ) -> Result<GitReport, GitError> {
        let head = DotGit(&place.meta).head()?.and_then(|head| head.commit);
        match self.retry(|| self.update(target, job)) {
            Ok(report) => Ok(report),
            Err(error) if job.persistent => {
                let why = super::sentence(&error);
                let commit = head.map(|head| head.to_string()).unwrap_or_default();
                Ok(report(job, commit, GitState::Failed { why }))
            }
            Err(error) => Err(error),
        }
    }

    /// Brings the checkout that is there up to date.
    pub(super) fn update(&self, target: &Target<'_>, job: &GitJob) -> Result<GitReport, GitError> {
        let Found::Checkout(place) = target.find()? else { return Ok(gone(job)) };
        DotGit(&place.meta).clear_locks()?;
        let session = self.session(target, job, &place.meta)?;
        let mode = if job.persistent { Mode::FastForward } else { Mode::Follow };
        let scratch = target.scratch(&place)?;
        let checkout = Checkout { session: &session, mode, scratch: &scratch };
        let advanced = checkout.advance(place, session.tip()?, &target.selection)?;
        Ok(outcome(job, advanced))
    }
}

pub(super) fn outcome(job: &GitJob, advanced: Advanced) -> GitReport {
    match advanced {
        Advanced::To { commit, written } => {
            if written.lfs_pointers > 0 {
                let count = written.lfs_pointers;
                super::say(&format!(
                    "{}: the repository uses Git LFS; {count} pointers are left as they are, without the \
                         files that they stand for",
                    job.name
                ));
            }
            report(job, commit.to_string(), GitState::Synced)
        }
        Advanced::Diverged { head, tip, why } => {
            let head = head.map(|head| head.to_string()).unwrap_or_default();
            report(job, head, GitState::Diverged { commit: tip.to_string(), why })
        }
    }
}
