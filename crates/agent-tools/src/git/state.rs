//! The last report, so that a container that starts again says nothing twice.

use agent_jobs::{GitReport, GitState, Report};

use super::{error::GitError, folder::Folder};

const NAME: &[u8] = b"report.json";

pub(super) fn last(state: &Folder) -> Option<GitReport> {
    let text = String::from_utf8(state.read_small(NAME).ok()??).ok()?;
    match Report::parse(&text) {
        Report::Git(report) => Some(report),
        Report::Failed(_) => None,
    }
}

pub(super) fn keep(state: &Folder, report: &GitReport) -> Result<(), GitError> {
    let text = Report::Git(report.clone()).to_message();
    let placed = state.place(NAME, text.as_bytes(), 0o644, state);
    placed.map_err(|source| GitError::State { path: "report.json".into(), source })
}

/// Whether two reports say the same, apart from when and in which words.
pub(super) fn is_same(a: &GitReport, b: &GitReport) -> bool {
    let newer = |report: &GitReport| match &report.state {
        GitState::Pending { commit } | GitState::Diverged { commit, .. } => Some(commit.clone()),
        GitState::Synced | GitState::Failed { .. } => None,
    };
    let kind = std::mem::discriminant::<GitState>;
    a.commit == b.commit && kind(&a.state) == kind(&b.state) && newer(a) == newer(b)
}
