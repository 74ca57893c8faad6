//! The repositories of an agent, as the programs in its pod report them: a container that ends leaves
//! the state of its repository as its termination message. Pure.

use agent_jobs::{GitReport, GitState, Report, SyncPolicy};
use api_types::{
    GitSyncStatus,
    condition::{self, reason},
    names,
    time_convert::from_k8s_time,
};
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::{
    Rollout,
    conditions::{Conditions, Truth},
    pods::newest,
};
use crate::{refusal::shorten, resolve::Checkout};

/// The longest quotation of a report, in characters.
const MAX_QUOTE: usize = 300;

/// What the newest pod's containers report, by the index of the repository.
pub(super) struct Repositories(Vec<Report>);

impl Repositories {
    /// None while no pod has reported anything.
    pub(super) fn of(pods: &[&Pod]) -> Option<Self> {
        let status = newest(pods)?.status.as_ref()?;
        let of = |containers: Option<&Vec<ContainerStatus>>, prefix: &'static str| {
            let named = containers.into_iter().flatten().filter_map(move |container| {
                let index: usize = container.name.strip_prefix(prefix)?.parse().ok()?;
                Some((index, report(container)?))
            });
            named.collect::<Vec<_>>()
        };
        let mut reports = of(status.init_container_statuses.as_ref(), names::GIT_INIT_PREFIX);
        // The sidecar saw the repository later.
        for (index, later) in of(status.container_statuses.as_ref(), names::GIT_SYNC_PREFIX) {
            match reports.iter_mut().find(|(one, _)| *one == index) {
                Some((_, report)) => *report = later,
                None => reports.push((index, later)),
            }
        }
        reports.sort_by_key(|(index, _)| *index);
        let reports: Vec<_> = reports.into_iter().map(|(_, report)| report).collect();
        (!reports.is_empty()).then_some(Self(reports))
    }

    pub(super) fn statuses(&self) -> Vec<GitSyncStatus> {
        self.reports().map(status).collect()
    }

    pub(super) fn set_condition(&self, rollout: Rollout, conditions: &mut Conditions<'_>) {
        let (truth, reason, message) =
            match self.0.iter().find_map(|report| pending(report, rollout)) {
                Some((reason, message)) => (Truth::True, reason, message),
                None => {
                    (Truth::False, reason::SYNCED, "every repository is as it was fetched".into())
                }
            };
        conditions.set(condition::GIT_SYNC_PENDING, truth, reason, message);
    }

    fn reports(&self) -> impl Iterator<Item = &GitReport> {
        self.0.iter().filter_map(|report| match report {
            Report::Git(report) => Some(report),
            Report::Failed(_) => None,
        })
    }
}

/// A repository whose new commit only a new pod will have.
pub struct Moved<'a> {
    pub checkout: &'a Checkout,
    pub commit: String,
    /// When the agent's work was looked at and nothing of it was in the way.
    pub seen: Option<OffsetDateTime>,
}

/// All of a pod that restart it for their commits.
pub fn moved<'a>(pod: &Pod, checkouts: &'a [Checkout]) -> Vec<Moved<'a>> {
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    let of = |container: &ContainerStatus| {
        let index: usize = container.name.strip_prefix(names::GIT_SYNC_PREFIX)?.parse().ok()?;
        let checkout = checkouts.get(index)?;
        let is_rolled_out = checkout.sync.as_ref()?.policy == SyncPolicy::Rollout;
        match report(container).filter(|_| is_rolled_out)? {
            Report::Git(GitReport { state: GitState::Pending { commit }, .. }) => {
                let seen = ended(container)?.finished_at.as_ref().map(from_k8s_time);
                Some(Moved { checkout, commit, seen })
            }
            Report::Git(_) | Report::Failed(_) => None,
        }
    };
    statuses.into_iter().flatten().filter_map(of).collect()
}

/// The newest of a container. One that runs for the first time has none.
fn report(container: &ContainerStatus) -> Option<Report> {
    let message = ended(container)?.message.as_deref();
    message.filter(|message| !message.trim().is_empty()).map(Report::parse)
}

/// How a container ended the last time.
fn ended(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let states = [container.state.as_ref(), container.last_state.as_ref()];
    states.into_iter().flatten().find_map(|state| state.terminated.as_ref())
}

fn status(report: &GitReport) -> GitSyncStatus {
    GitSyncStatus {
        name: report.name.clone(),
        commit_hash: Some(report.commit.clone()).filter(|commit| !commit.is_empty()),
        last_synced: OffsetDateTime::parse(&report.last_synced, &Rfc3339).ok(),
    }
}

/// Why a repository is not as it is at its origin.
fn pending(report: &Report, rollout: Rollout) -> Option<(&'static str, String)> {
    let (name, state) = match report {
        Report::Failed(sentence) => {
            return Some((reason::SYNC_FAILED, shorten(sentence, MAX_QUOTE)));
        }
        Report::Git(report) => (&report.name, &report.state),
    };
    let short = |commit: &str| shorten(commit, 12);
    match state {
        GitState::Synced => None,
        GitState::Pending { commit } if rollout == Rollout::Waiting => Some((
            reason::WAITING_FOR_SESSIONS,
            format!(
                "{name:?}: the pod is restarted for the commit {} once no terminal is open, the agent \
                 is known not to be busy, and a look at its work after that finds none that would be lost",
                short(commit)
            ),
        )),
        GitState::Pending { commit } => Some((
            reason::UPDATE_AVAILABLE,
            format!(
                "{name:?}: a new pod will have the commit {}: suspend and resume the agent to get it",
                short(commit)
            ),
        )),
        GitState::Diverged { commit, why } => Some((
            reason::DIVERGED,
            format!(
                "{name:?} is left as the agent has it, and not brought to {}: {}",
                short(commit),
                shorten(why, MAX_QUOTE)
            ),
        )),
        GitState::Failed { why } => {
            Some((reason::SYNC_FAILED, format!("{name:?}: {}", shorten(why, MAX_QUOTE))))
        }
    }
}

#[cfg(test)]
mod tests;
