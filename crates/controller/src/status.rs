//! An agent's status, from what was written, applied and observed. Pure: the same facts give the
//! same status, so an idle agent's is never written.

mod conditions;
mod git;
mod phase;
mod pods;
mod references;
mod server;
mod share;
mod template;
mod unreadable;
mod volumes;
mod warning;

use api_types::{
    Agent, AgentStatus,
    condition::{self, reason},
    labels, names,
};
use k8s_openapi::api::core::v1::Pod;
use time::OffsetDateTime;

use crate::{
    held::Workload,
    refusal::shorten,
    resolve::Invalid,
    secret::Tokens,
    standby::{Decision, Warning},
};
use conditions::{Conditions, Truth};
use git::Repositories;
use server::Server;
use share::share;

pub use git::{Moved, moved};
pub use pods::{Problem, newest};
pub use references::{Keys, Reference, ReferenceKind, named_once, references};
pub use server::is_starting;
pub use template::template_status;
pub use unreadable::unreadable;
pub use volumes::{Refused, Volumes};
use warning::warn;

/// The longest list of what an agent may not use, in characters.
const LONGEST_SENTENCE: usize = 1000;

/// Everything that a status is computed from.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub agent: &'a Agent,
    /// Why the agent cannot be built as it is written.
    pub invalid: Option<&'a Invalid>,
    /// Why it could not be applied though it is valid.
    pub apply_problem: Option<&'a ApplyProblem>,
    /// What the API server answered to a request that is tried again.
    pub failure: Option<&'a str>,
    /// The agent's own, after it was applied.
    pub deployment: Option<&'a Workload>,
    /// The agent has one.
    pub service: bool,
    /// That carry the agent's labels.
    pub pods: &'a [&'a Pod],
    /// What the agent names, and what does not exist.
    pub missing: &'a [Reference],
    pub volumes: &'a Volumes,
    pub share: &'a Share,
    /// Whether the agent is to run.
    pub decision: Decision,
    pub warning: Option<Warning>,
    pub rollout: Rollout,
    pub now: OffsetDateTime,
}

/// Whether a newer commit waits to restart the pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rollout {
    #[default]
    None,
    /// Somebody uses the agent, or may.
    Waiting,
}

/// Why a valid agent could not be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyProblem {
    /// The name belongs to an object that is not the agent's.
    Conflict { kind: String, name: String },
    /// The agent's object is being deleted, and is made again once it is gone.
    Ending { kind: String, name: String },
    /// The API server found a mistake in the object, in its own words.
    Invalid { kind: String, message: String },
    /// A rule of the cluster forbids the object: a quota, a webhook, a policy.
    Rejected { kind: String, message: String },
    /// The agent names Secrets that it may not use.
    Withheld(Vec<Reference>),
}

/// The state of the share links.
#[derive(Clone, Debug)]
pub enum Share {
    Off,
    /// Its Secret holds these tokens.
    On(Tokens),
    /// There are no tokens, for this reason.
    Failed(ApplyProblem),
    /// Its Secret could not be read or written: what was published stays.
    Unknown,
}

/// The whole status. Times of conditions that stay are those of the old status.
pub fn status(facts: &Facts<'_>) -> AgentStatus {
    let agent = facts.agent;
    let old = agent.status.clone().unwrap_or_default();
    let server = Server::of(facts);
    let mut conditions = Conditions::new(&old.conditions, agent.metadata.generation, facts.now);

    server.set_conditions(&mut conditions);
    let share = share(facts, &server, &mut conditions);
    let repositories = Repositories::of(facts.pods);
    if let Some(repositories) = &repositories {
        repositories.set_condition(facts.rollout, &mut conditions);
    }
    summarize(facts, &server, &mut conditions);
    if let Some(warning) = facts.warning {
        let (reason, message) = warn(warning, agent);
        conditions.set(condition::STANDBY_CONFIG_WARNING, Truth::True, reason, message);
    }

    let name = agent.metadata.name.as_deref().unwrap_or_default();
    let namespace = agent.metadata.namespace.as_deref().unwrap_or_default();
    let persistence = agent.spec.persistence.as_ref();
    facts.volumes.set_condition(persistence, namespace, &mut conditions);
    AgentStatus {
        observed_generation: agent.metadata.generation,
        conditions: conditions.finish(),
        // Only what exists is named.
        deployment_name: facts.deployment.map(|_| names::deployment(name)),
        service_name: facts.service.then(|| names::service(name)),
        url: facts.service.then(|| names::server_url(name, namespace, agent.spec.server_port())),
        ready: server == Server::Ready,
        suspended: matches!(server, Server::Suspended(_)),
        share,
        idle_since: facts.decision.idle_since,
        // Without a pod it is what the last one reported.
        git_sync_statuses: repositories
            .map_or(old.git_sync_statuses, |repositories| repositories.statuses()),
        // Kept for others, who may have written it.
        task_start_history: old.task_start_history,
    }
}

/// When a condition of this type last changed its truth.
pub fn since(status: &AgentStatus, type_: &str) -> Option<OffsetDateTime> {
    let found = status.conditions.iter().find(|condition| condition.type_ == type_)?;
    Some(api_types::time_convert::from_k8s_time(&found.last_transition_time))
}

/// The condition `Ready`: the first thing that a person should fix.
fn summarize(facts: &Facts<'_>, server: &Server, conditions: &mut Conditions<'_>) {
    let share_problem = match facts.share {
        Share::Failed(problem) => Some(problem),
        Share::Off | Share::On(_) | Share::Unknown => None,
    };
    let (truth, reason, message) = if let Some(invalid) = facts.invalid {
        (Truth::False, invalid.reason, invalid.sentence())
    } else if let Some(problem) = facts.apply_problem.or(share_problem) {
        (Truth::False, problem.reason(), problem.sentence())
    } else {
        let (truth, reason, message) = server.summary();
        let failure = facts.failure.filter(|_| server.is_waiting());
        let failure = failure.map(|failure| format!("{failure}; retrying"));
        match failure.or_else(|| server.cannot_start_again(facts.missing)) {
            Some(more) => (truth, reason, format!("{message}; {more}")),
            None => (truth, reason, message),
        }
    };
    conditions.set(condition::READY, truth, reason, message);
}

impl ApplyProblem {
    /// Whether it may end without a change that a watch reports.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Conflict { .. } | Self::Rejected { .. })
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => reason::NAME_CONFLICT,
            Self::Ending { .. } => reason::PROGRESSING,
            Self::Invalid { .. } => reason::INVALID_SPEC,
            Self::Rejected { .. } => reason::REJECTED,
            Self::Withheld(_) => reason::SECRET_NOT_ALLOWED,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::Conflict { kind, name } => format!(
                "{kind} {name:?} exists and is not this agent's: it is left alone; delete or rename it"
            ),
            Self::Ending { kind, name } => {
                format!("{kind} {name:?} is being deleted; it is created again once it is gone")
            }
            Self::Invalid { kind, message } => format!("the {kind} is invalid: {message}"),
            Self::Rejected { kind, message } => format!("the {kind} was rejected: {message}"),
            Self::Withheld(secrets) => {
                let named: Vec<_> = secrets.iter().map(ToString::to_string).collect();
                let message = format!(
                    "the agent is stopped, as it may use only Secrets with the label {}: \"true\"; label or remove: {}",
                    labels::FOR_AGENTS,
                    named.join(", ")
                );
                shorten(&message, LONGEST_SENTENCE)
            }
        }
    }
}

#[cfg(test)]
mod tests;
