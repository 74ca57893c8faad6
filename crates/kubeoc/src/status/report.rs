//! What is reported of an agent, and how it is printed. Never the token of its link. Pure.

use std::fmt::Write as _;

use api_types::{
    Agent, AgentStatus, Condition, GitSyncStatus,
    condition::{READY, SERVER_HEALTHY, SERVER_READY, SHARE_READY, SUSPENDED},
};
use serde::Serialize;
use time::OffsetDateTime;

use crate::{
    advice::{Subject, advice},
    render::rfc3339,
    state::{State, asleep_since, find},
    stored::Stored,
    table::age,
    terminal,
};

/// As scripts read it: always these fields, `null` where one is unset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    pub(super) agent: String,
    pub(super) namespace: String,
    pub(super) profile: Option<String>,
    pub(super) template: Option<String>,
    /// As the Agent itself says; a template may say it instead.
    pub(super) image: Option<String>,
    pub(super) service_account: Option<String>,
    /// The word that `kubeoc get agents` prints.
    pub(super) state: String,
    pub(super) ready: bool,
    pub(super) suspended: bool,
    pub(super) message: Option<String>,
    /// What is wrong with the fields that are unset here and not there.
    pub(super) unreadable: Option<String>,
    /// What to do.
    pub(super) advice: Option<String>,
    /// Inside the cluster.
    pub(super) url: Option<String>,
    pub(super) standby: Option<StandbyReport>,
    pub(super) share: ShareReport,
    pub(super) repositories: Vec<Repository>,
    /// Those that none of the other fields sums up.
    pub(super) conditions: Vec<Notice>,
}

/// Of an agent that sleeps while nobody is connected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StandbyReport {
    /// As the Agent says it.
    pub(super) idle_timeout: String,
    /// Unset while somebody is connected.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) idle_since: Option<OffsetDateTime>,
    /// Unset while it is awake.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) asleep_since: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ShareReport {
    pub(super) enabled: bool,
    pub(super) active: bool,
    pub(super) reason: Option<String>,
    pub(super) message: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) expires_at: Option<OffsetDateTime>,
    #[serde(rename = "allowedIPs")]
    pub(super) allowed_ips: Vec<String>,
}

/// A repository that is kept up to date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Repository {
    pub(super) name: String,
    pub(super) commit: Option<String>,
    #[serde(with = "time::serde::rfc3339::option")]
    pub(super) last_synced: Option<OffsetDateTime>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Notice {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
    pub(super) message: String,
}

impl Report {
    pub(super) fn of(stored: &Stored<Agent>) -> Self {
        let agent = &stored.object;
        let observed = agent.status.clone().unwrap_or_default();
        let state = State::of(agent, stored.unreadable.as_deref());
        let template = agent.spec.template_ref.as_ref().map(|template| template.name.clone());
        let subject = Subject {
            name: stored.name(),
            namespace: stored.namespace(),
            template: template.as_deref(),
        };
        Self {
            agent: stored.name().to_owned(),
            namespace: stored.namespace().to_owned(),
            profile: agent.spec.profile.clone(),
            image: agent.spec.executor_image.clone(),
            service_account: agent.spec.service_account_name.clone(),
            standby: standby(agent, &observed),
            advice: advice(&state, subject),
            state: state.word,
            ready: observed.ready,
            suspended: observed.suspended,
            message: Some(state.message).filter(|message| !message.is_empty()),
            unreadable: stored.unreadable.clone(),
            share: share(agent, &observed),
            repositories: observed.git_sync_statuses.into_iter().map(repository).collect(),
            conditions: observed.conditions.into_iter().filter_map(notice).collect(),
            url: observed.url,
            template,
        }
    }
}

fn standby(agent: &Agent, observed: &AgentStatus) -> Option<StandbyReport> {
    let standby = agent.spec.standby.clone()?;
    Some(StandbyReport {
        idle_timeout: standby.idle_timeout.into(),
        idle_since: observed.idle_since,
        asleep_since: asleep_since(observed),
    })
}

fn share(agent: &Agent, observed: &AgentStatus) -> ShareReport {
    let spec = agent.spec.share.clone().unwrap_or_default();
    let share_ready = find(observed, SHARE_READY);
    ShareReport {
        enabled: spec.enabled,
        active: observed.share.as_ref().is_some_and(|share| share.active),
        reason: share_ready.map(|condition| condition.reason.clone()),
        message: share_ready.map(|condition| condition.message.clone()),
        expires_at: spec.expires_at,
        allowed_ips: spec.allowed_ips,
    }
}

fn repository(observed: GitSyncStatus) -> Repository {
    let GitSyncStatus { name, commit_hash, last_synced, .. } = observed;
    Repository { name, commit: commit_hash, last_synced }
}

/// A condition that is not reported as part of anything else.
fn notice(condition: Condition) -> Option<Notice> {
    let Condition { type_: kind, status, reason, message, .. } = condition;
    let is_reported = [READY, SERVER_READY, SERVER_HEALTHY, SUSPENDED, SHARE_READY];
    (!is_reported.contains(&kind.as_str())).then_some(Notice { kind, status, reason, message })
}

/// For humans.
pub(super) fn text(report: &Report, now: OffsetDateTime) -> String {
    let place = format!("{}/{}", report.namespace, report.agent);
    let share = &report.share;
    let networks = (!share.allowed_ips.is_empty()).then(|| share.allowed_ips.join(", "));
    let mut rows = vec![
        ("Agent:", Some(place)),
        ("Profile:", report.profile.clone()),
        ("Template:", report.template.clone()),
        ("Image:", report.image.clone()),
        ("Account:", report.service_account.clone()),
        ("State:", Some(report.state.clone())),
        ("Message:", report.message.clone()),
        ("Unreadable:", report.unreadable.clone()),
        ("To do:", report.advice.clone()),
        ("URL:", report.url.clone()),
        ("Standby:", report.standby.as_ref().map(|standby| standby_line(standby, now))),
        ("Share:", Some(share_line(report))),
        ("Expires:", share.expires_at.map(rfc3339)),
        ("Allowed:", networks),
    ];
    rows.extend(listed("Repositories:", &report.repositories, |one| repository_line(one, now)));
    rows.extend(listed("Conditions:", &report.conditions, notice_line));
    rows.into_iter().fold(String::new(), |mut text, (label, value)| {
        if let Some(value) = value {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{label:<13} {}", terminal::line(&value));
        }
        text
    })
}

/// One row each, the first with the label.
fn listed<T>(
    label: &'static str,
    items: &[T],
    line: impl Fn(&T) -> String,
) -> Vec<(&'static str, Option<String>)> {
    let labels = std::iter::once(label).chain(std::iter::repeat(""));
    labels.zip(items.iter().map(|item| Some(line(item)))).collect()
}

fn standby_line(standby: &StandbyReport, now: OffsetDateTime) -> String {
    let ago = |since| age(Some(since), now);
    let StandbyReport { idle_timeout, idle_since, asleep_since } = standby;
    let state = match (asleep_since, idle_since) {
        (Some(since), _) => format!("asleep for {}; ", ago(*since)),
        (None, Some(since)) => format!("nobody connected for {}; ", ago(*since)),
        (None, None) => String::new(),
    };
    format!("{state}sleeps after {idle_timeout} without a connection")
}

fn share_line(report: &Report) -> String {
    let Report { agent, namespace, share, .. } = report;
    match (share.enabled, share.active) {
        (false, _) => format!("off; turn it on with: kubeoc agent share {agent} -n {namespace}"),
        (true, true) => {
            format!("active; print the link with: kubeoc agent share {agent} -n {namespace} --show")
        }
        (true, false) => match (&share.reason, &share.message) {
            (Some(reason), Some(message)) => format!("not active: {reason}: {message}"),
            _ => "not active: the controller has not reported on the link yet".to_owned(),
        },
    }
}

fn repository_line(repository: &Repository, now: OffsetDateTime) -> String {
    let commit = repository.commit.as_deref().unwrap_or("no commit yet");
    let synced = match repository.last_synced {
        Some(at) => format!("synced {} ago", age(Some(at), now)),
        None => "not synced yet".to_owned(),
    };
    format!("{}: {commit}, {synced}", repository.name)
}

fn notice_line(notice: &Notice) -> String {
    let Notice { kind, status, reason, message } = notice;
    format!("{kind} is {status}: {reason}: {message}")
}

#[cfg(test)]
mod tests;
