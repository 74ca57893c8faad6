//! The state of an agent's server, from its Deployment and pods. Pure.

use api_types::condition::{self, reason};
use k8s_openapi::api::apps::v1::Deployment;

use super::{
    Facts,
    conditions::{Conditions, Truth},
    pods::{Problem, problem},
};

/// What a visitor would find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Server {
    /// No pod, by request.
    Suspended,
    /// No Deployment.
    Missing,
    /// Not yet, or not any more; with the reason, where the pod has one.
    NotReady(Option<Problem>),
    Ready,
}

impl Server {
    pub(super) fn of(facts: &Facts<'_>) -> Self {
        let Some(deployment) = facts.deployment else {
            return if facts.agent.spec.suspend { Self::Suspended } else { Self::Missing };
        };
        match stage(deployment) {
            Stage::Suspended => Self::Suspended,
            Stage::Available => Self::Ready,
            Stage::Starting => Self::NotReady(
                problem(facts.pods)
                    .or_else(|| rejected_pod(deployment))
                    .or_else(|| facts.missing_secret.map(missing)),
            ),
        }
    }

    /// The conditions that existing tools know.
    pub(super) fn set_conditions(&self, conditions: &mut Conditions<'_>) {
        use Truth::{False, True};
        let (ready, healthy) = match self {
            Self::Ready => (reason::DEPLOYMENT_READY, reason::DEPLOYMENT_HEALTHY),
            Self::Suspended => (reason::SUSPENDED, reason::DEPLOYMENT_NOT_READY),
            Self::Missing => (reason::DEPLOYMENT_NOT_READY, reason::DEPLOYMENT_NOT_FOUND),
            Self::NotReady(_) => (reason::DEPLOYMENT_NOT_READY, reason::DEPLOYMENT_NOT_READY),
        };
        let truth = if *self == Self::Ready { True } else { False };
        let message = self.summary().2;
        conditions.set(condition::SERVER_READY, truth, ready, message.clone());
        conditions.set(condition::SERVER_HEALTHY, truth, healthy, message);
        let (truth, why, message) = match self {
            Self::Suspended => (True, reason::USER_REQUESTED, "spec.suspend is set"),
            _ => (False, reason::ACTIVE, "the agent is meant to run"),
        };
        conditions.set(condition::SUSPENDED, truth, why, message);
    }

    /// Its part of the condition `Ready`.
    pub(super) fn summary(&self) -> (Truth, &'static str, String) {
        match self {
            Self::Ready => {
                (Truth::True, reason::SERVER_READY, "the agent's server answers".to_owned())
            }
            Self::Suspended => {
                let message = "the agent is suspended; set spec.suspend to false to run it";
                (Truth::False, reason::SUSPENDED, message.to_owned())
            }
            Self::NotReady(Some(problem)) => {
                (Truth::False, problem.reason, problem.message.clone())
            }
            Self::Missing => {
                (Truth::False, reason::PROGRESSING, "there is no Deployment yet".to_owned())
            }
            Self::NotReady(None) => {
                (Truth::False, reason::PROGRESSING, "the agent's pod is starting".to_owned())
            }
        }
    }
}

/// How far a Deployment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Suspended,
    Starting,
    /// What was asked for last is what runs.
    Available,
}

/// The stage of an agent's Deployment.
pub fn stage(deployment: &Deployment) -> Stage {
    if deployment.spec.as_ref().and_then(|spec| spec.replicas) == Some(0) {
        return Stage::Suspended;
    }
    let Some(status) = &deployment.status else { return Stage::Starting };
    let is_current = status.observed_generation >= deployment.metadata.generation;
    let has_one = |count: Option<i32>| count.unwrap_or(0) > 0;
    if is_current && has_one(status.updated_replicas) && has_one(status.ready_replicas) {
        Stage::Available
    } else {
        Stage::Starting
    }
}

/// A missing Secret that is to be mounted is reported by the kubelet in Events only.
fn missing(secret: &str) -> Problem {
    let message = format!(
        "spec.credentials: there is no Secret {secret:?} in this namespace; create it, and the agent starts"
    );
    Problem { reason: reason::REFERENCE_NOT_FOUND, message }
}

/// A pod that could not even be created: a quota, an admission rule, a missing ServiceAccount.
fn rejected_pod(deployment: &Deployment) -> Option<Problem> {
    let conditions = deployment.status.as_ref()?.conditions.as_deref()?;
    let failure =
        conditions.iter().find(|one| one.type_ == "ReplicaFailure" && one.status == "True")?;
    let message = failure.message.clone().unwrap_or_default();
    let is_missing = message.contains("not found");
    let reason = if is_missing { reason::REFERENCE_NOT_FOUND } else { reason::INVALID_SPEC };
    Some(Problem { reason, message: format!("the pod was rejected: {message}") })
}
