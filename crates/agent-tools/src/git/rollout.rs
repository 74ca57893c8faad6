//! Whether a new pod is worth asking for: judged as an update in place is, right before it writes. Of a checkout that
//! ends with its pod, nothing else may be lost either. Writes no file of it.

use agent_jobs::{GitJob, GitReport, GitState};

use super::{
    Tool,
    checkout::{Advanced, Checkout, Judged, Mode},
    dot_git::DotGit,
    error::GitError,
    gone,
    init::outcome,
    loss::Loss,
    ready::Ready,
    report,
    target::{Found, Target},
};

impl Tool {
    /// Reports a commit that only a new pod will have, as far as the agent's work lets it.
    pub(super) fn pending(
        &self,
        target: &Target<'_>,
        job: &GitJob,
        last: Option<&GitReport>,
    ) -> Result<GitReport, GitError> {
        let Found::Checkout(place) = target.find()? else { return Ok(gone(job)) };
        let dot_git = DotGit(&place.meta);
        dot_git.clear_locks()?;
        let checked_out = dot_git.synced()?.map(|id| id.to_string());
        let checked_out = checked_out.or_else(|| last.map(|last| last.commit.clone()));
        let commit = checked_out.unwrap_or_default();
        let session = self.session(target, job, &place.meta)?;
        let opened = session.tip()?;
        let newest = opened.1.commit.to_string();
        if commit == newest {
            return Ok(report(job, commit, GitState::Synced));
        }
        // Where nothing of it is kept, the new pod's clone asks for no common history.
        let mode = if job.outlives_pod { Mode::FastForward } else { Mode::Follow };
        let scratch = target.scratch(&place)?;
        let checkout = Checkout { session: &session, mode, scratch: &scratch };
        let all = match checkout.judge(place, opened, &target.selection)? {
            Judged::There(commit) => {
                return Ok(report(job, commit.to_string(), GitState::Synced));
            }
            Judged::Diverged { head, tip, why } => {
                return Ok(outcome(job, Advanced::Diverged { head, tip, why }));
            }
            Judged::Clear(all) => all,
        };
        let (head, tip) = all[0].between()?;
        if head == Some(tip) {
            return Ok(report(job, newest, GitState::Synced));
        }
        match checkout.in_the_way(&all)? {
            Some(why) => Ok(outcome(job, Advanced::Diverged { head, tip, why })),
            None => Ok(report(job, commit, GitState::Pending { commit: newest })),
        }
    }
}

impl Checkout<'_> {
    /// Why all of them are to stay as they are, once the servers have answered.
    fn in_the_way(&self, all: &[Ready]) -> Result<Option<String>, GitError> {
        for one in all.iter().filter_map(|ready| ready.to_move(self.scratch)) {
            // Held for this moment only, as nothing is written.
            let why = one.lock()?.err();
            if let Some(why) = why.map_or_else(|| one.obstacle(), |why| Ok(Some(why)))? {
                return Ok(Some(one.named(&why)));
            }
        }
        let job = self.session.job;
        if job.outlives_pod { Ok(None) } else { Loss { job, scratch: self.scratch }.of(&all[0]) }
    }
}
