//! One reconcile of one agent, as named steps: fetch, resolve, desired, apply, status, patch if
//! different, and when to requeue. The order is here; what a step does is in its module.
//!
//! A step that fails does not hold up the status: what is known is published, and the first failure
//! is what the reconcile ends with.

mod objects;
mod replace;
mod rollout;
mod share;
mod standby;

use std::{sync::Arc, time::Duration};

use api_types::{Agent, AgentId, AgentTemplate, ShareSpec, condition, names};
use daemon::clock;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client, Resource,
    runtime::{
        events::{Recorder, Reporter},
        reflector::ObjectRef,
    },
};
use time::OffsetDateTime;

use crate::{
    activity::Activities,
    apply::{Applier, Outcome, Owner},
    error::ControllerError,
    fetch::{self, fetch},
    guard::{Guarded, Unreadable},
    held::Held,
    kinds::Child,
    merge::merge,
    publish::{Publisher, patch_status},
    refusal::Refusal,
    requeue::{Requeue, requeue},
    resolve::{Defaults, Invalid, resolve},
    standby::State,
    status::{ApplyProblem, Facts, Share, is_starting, references, since, status, unreadable},
    stores::Stores,
};
use objects::{Applied, Fresh};
use standby::Answers;

/// How soon an agent is suspended again whose suspension was refused while it cannot be read.
const REFUSED_WAIT: Duration = Duration::from_secs(30);
/// No requeue of ours is sooner.
const SOON: Duration = Duration::from_secs(1);

/// What every reconcile works with.
pub struct Reconciler {
    client: Client,
    stores: Stores,
    applier: Applier,
    defaults: Defaults,
    /// Where people reach this installation, without a slash at its end.
    external_url: Option<String>,
    activities: Activities,
    answers: Answers,
    publisher: Publisher,
    events: Recorder,
}

/// The first failure of a reconcile.
#[derive(Default)]
struct Failure(Option<ControllerError>);

impl Failure {
    /// The value of a step that succeeded.
    fn of<T>(&mut self, step: Result<T, ControllerError>) -> Option<T> {
        step.map_err(|error| _ = self.0.get_or_insert(error)).ok()
    }
}

impl Reconciler {
    pub fn new(
        client: Client,
        stores: Stores,
        applier: Applier,
        defaults: Defaults,
        external_url: Option<String>,
        activities: Activities,
    ) -> Self {
        let reporter = Reporter::from(names::CONTROLLER_DEPLOYMENT);
        let events = Recorder::new(client.clone(), reporter);
        Self {
            client,
            stores,
            applier,
            defaults,
            external_url,
            activities,
            answers: Answers::default(),
            publisher: Publisher::default(),
            events,
        }
    }

    /// The agent is gone.
    pub fn forget(&self, agent: &ObjectRef<Agent>) {
        self.applier.forget(agent);
        self.publisher.forget(agent);
        self.stores.contents.forget(agent.namespace.as_deref().unwrap_or_default(), &agent.name);
    }

    /// Brings the cluster and the agent's status up to date.
    pub async fn reconcile(&self, agent: &Guarded<Agent>) -> Result<Requeue, ControllerError> {
        self.stores.ready().await?;
        if agent.meta().deletion_timestamp.is_some() {
            // The garbage collector deletes what it owns; nothing is created meanwhile.
            return Ok(Requeue::OnChange);
        }
        let identity = AgentId::of(agent);
        match &agent.0 {
            Ok(agent) => self.reconcile_readable(agent, &identity).await,
            Err(agent) => self.reject(agent, &identity).await,
        }
    }

    /// What runs is left as it is, unless it is to stop: that needs nothing else of the spec.
    async fn reject(
        &self,
        agent: &Unreadable,
        identity: &AgentId,
    ) -> Result<Requeue, ControllerError> {
        let mut failure = Failure::default();
        let mut applied = Applied::default();
        if agent.switches.suspend {
            failure.of(self.suspend(identity, &mut applied).await);
        }
        if agent.switches.shared == Some(false) {
            failure.of(self.unshare(identity, agent.status.contains_key("share")).await);
        }
        let agents = self.agents(&identity.namespace);
        let problem = applied.problem.as_ref();
        let status = unreadable(agent, problem, clock::now());
        patch_status(&agents, &agent.metadata, status).await?;
        let next = problem.map_or(Requeue::OnChange, |_| Requeue::After(REFUSED_WAIT));
        failure.0.map_or(Ok(next), Err)
    }

    async fn reconcile_readable(
        &self,
        agent: &Agent,
        identity: &AgentId,
    ) -> Result<Requeue, ControllerError> {
        let fetched = fetch(&self.stores, agent, identity)?;
        let standing = self.standby(agent, identity).await;
        let mut failure = Failure::default();
        let share = self.share(agent, identity, &fetched, &mut failure).await;

        let template = readable(fetched.template.as_deref());
        let resolved =
            template.clone().and_then(|template| resolve(agent, template, &self.defaults));
        let resolved = resolved.map(|resolved| standing.obeyed_by(resolved));
        let named = template.as_ref().map(|template| {
            references(&merge(&agent.spec, template.map(|template| &template.spec)))
        });
        let named = named.unwrap_or_default();
        let mut applied = Applied::default();
        let mut rollout = rollout::Rollout::default();
        if let Ok(resolved) = &resolved {
            rollout = self.rollout(identity, resolved, &standing).await;
            let fresh = Fresh {
                password: fetched.fresh_password.clone(),
                revision: rollout.revision.clone(),
            };
            let applying = self.apply(identity, resolved, &named, fresh, &mut applied);
            failure.of(applying.await);
        }
        if standing.decision.state != State::Awake || applied.is_withheld() {
            // Also where the agent is invalid, or refused: then what it was is still running.
            failure.of(self.suspend(identity, &mut applied).await);
        }

        let deployment = applied.deployment.or_else(|| self.deployment(identity));
        let service = applied.service.or_else(|| self.service(identity));
        let pods = fetch::pods(&self.stores, identity);
        let pods: Vec<&Pod> = pods.iter().map(Arc::as_ref).collect();
        // While it starts, and no longer: an agent that runs costs no request.
        let is_starting = deployment.as_ref().is_some_and(|held| is_starting(&held.kept, &pods));
        let mut missing = applied.missing;
        if is_starting && resolved.is_ok() {
            let others =
                failure.of(fetch::missing_pull_secrets(&self.client, identity, named).await);
            missing.extend(others.unwrap_or_default());
        }
        let answer = failure.0.as_ref().and_then(ControllerError::answer);
        let facts = Facts {
            agent,
            invalid: resolved.as_ref().err(),
            apply_problem: applied.problem.as_ref(),
            failure: answer.as_deref(),
            deployment: deployment.as_deref().map(|held| &held.kept),
            service: service.is_some(),
            pods: &pods,
            missing: &missing,
            volumes: &applied.volumes,
            share: &share,
            decision: standing.decision,
            warning: standing.warning,
            rollout: rollout.waiting,
            now: clock::now(),
        };
        let published = self.publish(identity, &facts, rollout.next).await;
        failure.0.map_or(published, Err)
    }

    fn agents(&self, namespace: &str) -> Api<Guarded<Agent>> {
        Api::namespaced(self.client.clone(), namespace)
    }

    async fn publish(
        &self,
        identity: &AgentId,
        facts: &Facts<'_>,
        rollout: Option<OffsetDateTime>,
    ) -> Result<Requeue, ControllerError> {
        let agents = self.agents(&identity.namespace);
        let new = status(facts);
        self.publisher.publish_status(&agents, facts.agent, &new).await?;
        self.publisher.label_template(&agents, facts.agent).await?;

        let share = match facts.share {
            Share::Failed(problem) => Some(problem),
            Share::Off | Share::On(_) | Share::Unknown => None,
        };
        let problems = [(facts.apply_problem, condition::READY), (share, condition::SHARE_READY)];
        let may_pass = |problem: Option<&ApplyProblem>| problem.is_some_and(ApplyProblem::may_pass);
        let problems = problems.map(|(problem, condition)| (may_pass(problem), condition));
        let volumes = (facts.volumes.may_change(), condition::VOLUMES_READY);
        let retried: Vec<OffsetDateTime> = problems
            .into_iter()
            .chain([volumes])
            .filter(|(may_pass, _)| *may_pass)
            .filter_map(|(_, condition)| since(&new, condition))
            .collect();
        let shared = facts.agent.spec.share.as_ref().filter(|share| share.enabled);
        let expiries = shared.into_iter().flat_map(ShareSpec::expiries);
        // What became due while the objects were applied is decided at once.
        let soon = facts.now + SOON;
        let decided = [facts.decision.next, rollout].map(|due| due.map(|due| due.max(soon)));
        let deadlines: Vec<_> = expiries.chain(decided.into_iter().flatten()).collect();
        Ok(requeue(facts.now, &deadlines, &retried))
    }
}

fn readable(template: Option<&Guarded<AgentTemplate>>) -> Result<Option<&AgentTemplate>, Invalid> {
    let Some(Guarded(template)) = template else { return Ok(None) };
    template.as_ref().map(Some).map_err(|unreadable| {
        let message = format!("the AgentTemplate cannot be read: {unreadable}; correct it there");
        Invalid::spec("spec.templateRef", message)
    })
}

fn in_place<K: Child>(name: String, outcome: Outcome<K>) -> Result<Arc<Held<K>>, ApplyProblem> {
    let kind = K::kind(&()).into_owned();
    match outcome {
        Outcome::InPlace(object) => Ok(object),
        Outcome::Ending => Err(ApplyProblem::Ending { kind, name }),
        Outcome::Conflict => Err(ApplyProblem::Conflict { kind, name }),
        Outcome::Refused(Refusal::Invalid(message)) => Err(ApplyProblem::Invalid { kind, message }),
        Outcome::Refused(Refusal::Rejected(message)) => {
            Err(ApplyProblem::Rejected { kind, message })
        }
    }
}

fn owner(identity: &AgentId) -> Owner<'_> {
    Owner { namespace: &identity.namespace, name: &identity.name, uid: &identity.uid }
}

#[cfg(test)]
mod content_tests;
#[cfg(test)]
mod link_tests;
#[cfg(test)]
mod refusal_tests;
#[cfg(test)]
mod replace_tests;
#[cfg(test)]
mod rollout_tests;
#[cfg(test)]
mod standby_tests;
#[cfg(test)]
mod switch_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod volume_tests;
#[cfg(test)]
mod withheld_tests;
