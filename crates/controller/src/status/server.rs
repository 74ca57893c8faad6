//! The state of an agent's server, from its Deployment and pods. Pure.

use api_types::{
    StartPhase,
    condition::{self, reason},
    serves,
};
use k8s_openapi::api::core::v1::Pod;

use crate::{
    held::{Stage, Workload},
    refusal::shorten,
    standby::State,
};

use super::{
    Facts,
    conditions::{Conditions, Truth},
    phase::phase,
    pods::{Problem, newest, problem},
    references::{Keys, Reference, ReferenceKind},
};

/// The longest text about a rejected pod, in characters.
const LONGEST_CAUSE: usize = 1000;

/// Of an agent in standby.
const HOW_IT_WAKES: &str = "the agent sleeps, as nobody was connected for spec.standby.idleTimeout; \
     a visitor of its share link can wake it there, and so can `kubeoc agent resume`";

/// What a visitor would find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// No pod, and none is wanted.
    Suspended(Suspension),
    /// No Deployment.
    Missing,
    /// Not yet, or not any more.
    Starting(StartPhase),
    NotReady(Problem),
    Ready,
}

/// Why an agent has no pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspension {
    UserRequested,
    Standby,
}

impl Server {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let Some(deployment) = facts.deployment else {
            return match facts.decision.state {
                State::Suspended => Self::Suspended(Suspension::UserRequested),
                State::Asleep => Self::Suspended(Suspension::Standby),
                State::Awake => Self::Missing,
            };
        };
        match (facts.decision.state, stage(deployment, facts.pods)) {
            // The state that a controller which starts anew goes on from.
            (State::Asleep, _) => Self::Suspended(Suspension::Standby),
            (State::Suspended, Stage::Suspended) => Self::Suspended(Suspension::UserRequested),
            (_, Stage::Available) => Self::Ready,
            (_, Stage::Suspended | Stage::Starting | Stage::Updated) => {
                let problem = problem(facts.pods)
                    .map(|problem| with_pull_secrets(problem, facts.missing))
                    .or_else(|| rejected_pod(deployment))
                    .or_else(|| missing(facts.missing));
                problem.map_or_else(|| Self::Starting(phase(facts.pods)), Self::NotReady)
            }
        }
    }

    /// The conditions that existing tools know.
    pub(super) fn set_conditions(&self, conditions: &mut Conditions<'_>) {
        use Truth::{False, True};
        let (ready, healthy) = match self {
            Self::Ready => (reason::DEPLOYMENT_READY, reason::DEPLOYMENT_HEALTHY),
            Self::Suspended(_) => (reason::SUSPENDED, reason::DEPLOYMENT_NOT_READY),
            Self::Missing => (reason::DEPLOYMENT_NOT_READY, reason::DEPLOYMENT_NOT_FOUND),
            Self::Starting(_) | Self::NotReady(_) => {
                (reason::DEPLOYMENT_NOT_READY, reason::DEPLOYMENT_NOT_READY)
            }
        };
        let truth = if *self == Self::Ready { True } else { False };
        let message = self.summary().2;
        conditions.set(condition::SERVER_READY, truth, ready, message.clone());
        conditions.set(condition::SERVER_HEALTHY, truth, healthy, message);
        let (truth, why, message) = match self {
            Self::Suspended(Suspension::UserRequested) => {
                (True, reason::USER_REQUESTED, "spec.suspend is set")
            }
            Self::Suspended(Suspension::Standby) => (True, reason::STANDBY, HOW_IT_WAKES),
            _ => (False, reason::ACTIVE, "the agent is meant to run"),
        };
        conditions.set(condition::SUSPENDED, truth, why, message);
    }

    /// Whether it will be ready once what was asked for is done.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self, Self::Missing | Self::Starting(_))
    }

    /// Of one that runs though something has been deleted that it started with.
    pub(super) fn cannot_start_again(&self, missing: &[Reference]) -> Option<String> {
        let needed = missing.iter().filter(|reference| !reference.is_pull_secret());
        let missing = list(needed).filter(|_| *self == Self::Ready)?;
        Some(format!("{missing} in this namespace any more, without which it cannot start again"))
    }

    /// Its part of the condition `Ready`.
    pub(super) fn summary(&self) -> (Truth, &'static str, String) {
        match self {
            Self::Ready => {
                (Truth::True, reason::SERVER_READY, "the agent's server answers".to_owned())
            }
            Self::Suspended(Suspension::Standby) => {
                (Truth::False, reason::SUSPENDED, HOW_IT_WAKES.to_owned())
            }
            Self::Suspended(Suspension::UserRequested) => {
                let message = "the agent is suspended; set spec.suspend to false to run it";
                (Truth::False, reason::SUSPENDED, message.to_owned())
            }
            Self::NotReady(problem) => (Truth::False, problem.reason, problem.message.clone()),
            Self::Missing => {
                (Truth::False, reason::PROGRESSING, "there is no Deployment yet".to_owned())
            }
            Self::Starting(phase) => (Truth::False, reason::PROGRESSING, phase.to_string()),
        }
    }
}

/// A Deployment is not available while a sidecar of its pod reports, and the agent is.
fn stage(deployment: &Workload, pods: &[&Pod]) -> Stage {
    match deployment.stage {
        Stage::Updated if newest(pods).is_some_and(serves) => Stage::Available,
        stage => stage,
    }
}

/// Whether the agent has a pod that is not ready, or is to have one.
pub fn is_starting(deployment: &Workload, pods: &[&Pod]) -> bool {
    matches!(stage(deployment, pods), Stage::Starting | Stage::Updated)
}

/// What is to be mounted and does not exist is reported by the kubelet in Events only.
fn missing(references: &[Reference]) -> Option<Problem> {
    let needed = references.iter().filter(|reference| !reference.is_pull_secret());
    let message = list(needed)?;
    let message =
        format!("{message} in this namespace; create what is missing, and the agent starts");
    Some(Problem { reason: reason::REFERENCE_NOT_FOUND, message })
}

/// A missing image pull Secret is no problem until an image cannot be pulled.
fn with_pull_secrets(problem: Problem, missing: &[Reference]) -> Problem {
    let secrets = list(missing.iter().filter(|reference| reference.is_pull_secret()));
    match secrets.filter(|_| problem.reason == reason::IMAGE_PULL_FAILED) {
        None => problem,
        Some(secrets) => Problem { message: format!("{}; {secrets}", problem.message), ..problem },
    }
}

fn list<'a>(references: impl Iterator<Item = &'a Reference>) -> Option<String> {
    let names: Vec<_> = references.map(|reference| format!("no {reference}")).collect();
    (!names.is_empty()).then(|| format!("there is {}", names.join(", ")))
}

/// A pod that could not even be created: a quota, an admission rule, a missing ServiceAccount.
fn rejected_pod(deployment: &Workload) -> Option<Problem> {
    let message = deployment.rejection.as_deref()?;
    let account = message.split_once("serviceaccount \"").map(|(_, rest)| rest);
    if let Some((account, _)) = account.and_then(|rest| rest.split_once("\" not found")) {
        let field = "spec.serviceAccountName".to_owned();
        let (kind, name) = (ReferenceKind::ServiceAccount, account.to_owned());
        return missing(&[Reference { kind, name, keys: Keys::All, field, optional: false }]);
    }
    let (reason, cause) = if let Some((_, cause)) = message.split_once("\" is invalid: ") {
        (reason::INVALID_SPEC, cause)
    } else {
        // Each attempt is of a pod of another name: a status that named it would be written anew.
        let cause = message.split_once("\" is forbidden: ").map_or(message, |(_, cause)| cause);
        (reason::REJECTED, cause)
    };
    let message = format!("the pod was rejected: {}", shorten(cause, LONGEST_CAUSE));
    Some(Problem { reason, message })
}
