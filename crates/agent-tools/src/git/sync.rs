//! Follows a repository while the agent runs. What changes is reported by ending: kubelet keeps the report and
//! starts the container again.

use std::{thread, time::Duration};

use agent_jobs::{GitJob, GitReport, GitState, SyncPolicy};

use super::{Tool, error::GitError, folder::Folder, report, state, target::Target};

impl Tool {
    /// Returns once there is something to report that was not reported yet, or whose report no longer counts.
    pub(super) fn sync(&self, job: &GitJob) -> Result<GitReport, GitError> {
        let sync = job.sync.ok_or(GitError::NoSync)?;
        let target = Target::open(job)?;
        let folder = target.state().ok_or(GitError::NoState)?;
        let mut has_waited = false;
        loop {
            let last = state::last(folder);
            let report = match self.round(&target, job, sync.policy, last.as_ref()) {
                Ok(report) => report,
                Err(error) => {
                    let commit = last.as_ref().map(|last| last.commit.clone()).unwrap_or_default();
                    report(job, commit, GitState::Failed { why: super::sentence(&error) })
                }
            };
            let is_news = is_news(folder, last.as_ref(), &report)?;
            if is_news || has_waited && ages(job, &report) {
                return Ok(report);
            }
            thread::sleep(Duration::from_secs(sync.interval_seconds.max(1).into()));
            has_waited = true;
        }
    }

    fn round(
        &self,
        target: &Target<'_>,
        job: &GitJob,
        policy: SyncPolicy,
        last: Option<&GitReport>,
    ) -> Result<GitReport, GitError> {
        match policy {
            // Its container would never see another file in its place.
            SyncPolicy::HotReload if job.is_mount && target.is_file()? => {
                self.retry(|| self.pending(target, job, last))
            }
            SyncPolicy::HotReload => self.retry(|| self.update(target, job)),
            SyncPolicy::Rollout => self.retry(|| self.pending(target, job, last)),
        }
    }
}

/// Whether the same is to be said again after an interval: that a new pod loses nothing of the agent's was true when it was
/// looked at, and the controller acts on no old look.
fn ages(job: &GitJob, report: &GitReport) -> bool {
    let is_rolled_out = job.sync.is_some_and(|sync| sync.policy == SyncPolicy::Rollout);
    is_rolled_out && !job.outlives_pod && matches!(report.state, GitState::Pending { .. })
}

/// Whether a report says something new. It is kept either way.
fn is_news(
    folder: &Folder,
    last: Option<&GitReport>,
    report: &GitReport,
) -> Result<bool, GitError> {
    let is_news = match last {
        Some(last) => !state::is_same(last, report),
        // git-init has reported that the checkout is there.
        None => report.state != GitState::Synced,
    };
    state::keep(folder, report)?;
    Ok(is_news)
}
