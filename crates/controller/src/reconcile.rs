//! One reconcile of one agent, as named steps: fetch, resolve, desired, apply, status, patch if
//! different, and when to requeue. The order is here; what a step does is in its module.

use std::sync::Arc;

use api_types::{
    Agent, AgentId, AgentTemplate,
    condition::{self, reason},
};
use daemon::clock;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{Api, Client, Resource, ResourceExt};

use crate::{
    apply::{Applier, Outcome, Owner},
    desired::{DesiredObjects, desired, share_secret, unused_config_maps},
    error::ControllerError,
    fetch::{self, Fetched, fetch},
    guard::{Guarded, Unreadable},
    publish::{label_template, publish_status, publish_unreadable},
    requeue::{Requeue, requeue},
    resolve::{Images, Invalid, resolve},
    secret::{password, share_token},
    status::{ApplyProblem, Facts, Share, Stage, since, stage, status, unreadable},
    stores::Stores,
};

/// What every reconcile works with.
pub struct Reconciler {
    client: Client,
    stores: Stores,
    applier: Applier,
    defaults: Images,
    /// Where people reach this installation, without a slash at its end.
    external_url: Option<String>,
}

impl Reconciler {
    pub fn new(
        client: Client,
        stores: Stores,
        applier: Applier,
        defaults: Images,
        external_url: Option<String>,
    ) -> Self {
        Self { client, stores, applier, defaults, external_url }
    }

    /// Brings the cluster and the agent's status up to date.
    pub async fn reconcile(&self, agent: &Guarded<Agent>) -> Result<Requeue, ControllerError> {
        self.stores.ready().await?;
        match &agent.0 {
            Ok(agent) => self.reconcile_readable(agent).await,
            Err(agent) => self.reject(agent).await,
        }
    }

    /// What runs is left as it is.
    async fn reject(&self, agent: &Unreadable) -> Result<Requeue, ControllerError> {
        let agents = self.agents(agent.metadata.namespace.as_deref().unwrap_or_default());
        publish_unreadable(&agents, agent, unreadable(agent, clock::now())).await?;
        Ok(Requeue::OnChange)
    }

    async fn reconcile_readable(&self, agent: &Agent) -> Result<Requeue, ControllerError> {
        if agent.meta().deletion_timestamp.is_some() {
            // The garbage collector deletes what it owns; nothing is created meanwhile.
            return Ok(Requeue::OnChange);
        }
        let identity = AgentId::of(agent);
        let fetched = fetch(&self.client, &self.stores, agent, &identity).await?;
        let share = self.share(agent, &identity, &fetched).await?;
        let template = readable(fetched.template.as_deref());
        let resolved = template.and_then(|template| resolve(agent, template, &self.defaults));
        let applied = match &resolved {
            Ok(resolved) => {
                let held = fetched.server_secret.owned();
                let password = password(held, fetched.fresh_password.clone());
                self.apply(&identity, &desired(resolved, &password), &fetched).await?
            }
            // What is running is left as it is.
            Err(_) => Applied::default(),
        };

        let deployment = applied.deployment.or_else(|| fetch::deployment(&self.stores, &identity));
        let pods = fetch::pods(&self.stores, &identity);
        let pods: Vec<&Pod> = pods.iter().map(Arc::as_ref).collect();
        let missing_secret = match (&resolved, deployment.as_deref().map(stage)) {
            // While it starts, and no longer: an agent that runs costs no request.
            (Ok(resolved), Some(Stage::Starting)) => {
                fetch::missing_secret(&self.client, &identity, &resolved.credentials).await?
            }
            _ => None,
        };
        let facts = Facts {
            agent,
            invalid: resolved.as_ref().err(),
            apply_problem: applied.problem.as_ref(),
            deployment: deployment.as_deref(),
            pods: &pods,
            missing_secret: missing_secret.as_deref(),
            share: &share,
            now: clock::now(),
        };
        self.publish(&identity, &facts).await
    }

    fn agents(&self, namespace: &str) -> Api<Guarded<Agent>> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// A link can be turned off even while the rest of the agent is invalid.
    async fn share(
        &self,
        agent: &Agent,
        identity: &AgentId,
        fetched: &Fetched,
    ) -> Result<Share, ControllerError> {
        let (owner, held) = (owner(identity), fetched.share_secret.owned());
        if !agent.spec.is_shared() {
            if let Some(secret) = held {
                self.applier.delete(owner, secret).await?;
            }
            return Ok(Share::Off);
        }
        let token = share_token(held, fetched.fresh_token.clone());
        let secret = share_secret(identity, &token, self.external_url.as_deref());
        let outcome = self.applier.ensure_observed(owner, &secret, &fetched.share_secret).await?;
        Ok(match in_place(&secret, outcome) {
            Ok(_) => Share::On(token),
            Err(problem) => Share::Failed(problem),
        })
    }

    /// In the order in which they need each other; the first problem ends it.
    async fn apply(
        &self,
        identity: &AgentId,
        desired: &DesiredObjects,
        fetched: &Fetched,
    ) -> Result<Applied, ControllerError> {
        let (owner, stores, applier) = (owner(identity), &self.stores, &self.applier);
        let DesiredObjects { server_secret, config_maps, claims: _, deployment, service } = desired;

        let outcome = applier.ensure_observed(owner, server_secret, &fetched.server_secret).await?;
        if let Err(problem) = in_place(server_secret, outcome) {
            return Ok(problem.into());
        }
        for config_map in config_maps {
            let outcome = applier.ensure(owner, config_map, &stores.config_maps).await?;
            if let Err(problem) = in_place(config_map, outcome) {
                return Ok(problem.into());
            }
        }
        let outcome = applier.ensure(owner, deployment, &stores.deployments).await?;
        let deployment = match in_place(deployment, outcome) {
            Ok(deployment) => deployment,
            Err(problem) => return Ok(problem.into()),
        };
        let outcome = applier.ensure(owner, service, &stores.services).await?;
        let problem = in_place(service, outcome).err();
        // Only after the Deployment stopped mounting them.
        for name in unused_config_maps(&identity.name, config_maps.len()) {
            applier.prune(owner, &name, &stores.config_maps).await?;
        }
        Ok(Applied { deployment: Some(deployment), problem })
    }

    async fn publish(
        &self,
        identity: &AgentId,
        facts: &Facts<'_>,
    ) -> Result<Requeue, ControllerError> {
        let agents = self.agents(&identity.namespace);
        let new = status(facts);
        publish_status(&agents, facts.agent, &new).await?;
        label_template(&agents, facts.agent).await?;

        let ready = new.conditions.iter().find(|one| one.type_ == condition::READY);
        let is_conflict = ready.is_some_and(|one| one.reason == reason::NAME_CONFLICT);
        let conflict_since = is_conflict.then(|| since(&new, condition::READY)).flatten();
        let expiry = facts.agent.spec.share.as_ref().filter(|share| share.enabled);
        Ok(requeue(facts.now, expiry.and_then(|share| share.expires_at), conflict_since))
    }
}

fn readable(template: Option<&Guarded<AgentTemplate>>) -> Result<Option<&AgentTemplate>, Invalid> {
    let Some(Guarded(template)) = template else { return Ok(None) };
    template.as_ref().map(Some).map_err(|unreadable| {
        let message = format!("the AgentTemplate cannot be read: {unreadable}; correct it there");
        Invalid::spec("spec.templateRef", message)
    })
}

/// The outcome of applying the agent's objects.
#[derive(Default)]
struct Applied {
    deployment: Option<Arc<Deployment>>,
    problem: Option<ApplyProblem>,
}

impl From<ApplyProblem> for Applied {
    fn from(problem: ApplyProblem) -> Self {
        Self { deployment: None, problem: Some(problem) }
    }
}

fn in_place<K>(desired: &K, outcome: Outcome<K>) -> Result<Arc<K>, ApplyProblem>
where
    K: Resource<DynamicType = ()>,
{
    let kind = K::kind(&()).into_owned();
    match outcome {
        Outcome::InPlace(object) => Ok(object),
        Outcome::Conflict => Err(ApplyProblem::Conflict { kind, name: desired.name_any() }),
        Outcome::Rejected(message) => Err(ApplyProblem::Rejected { kind, message }),
    }
}

fn owner(identity: &AgentId) -> Owner<'_> {
    Owner { namespace: &identity.namespace, name: &identity.name, uid: &identity.uid }
}

#[cfg(test)]
mod tests;
