//! Applies what runs an agent: its Deployment, and what that needs.

use std::sync::Arc;

use api_types::{AgentId, names};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{PersistentVolumeClaim, Service},
};
use kube::{Resource, ResourceExt};

use super::{Reconciler, in_place, owner, replace::Replacement};
use crate::{
    apply::{Outcome, Owner, cached},
    contents::Used,
    desired::{Causes, DesiredObjects, desired, unused_config_maps},
    error::ControllerError,
    held::{Held, Stage},
    resolve::{ResolvedAgent, ServerPassword},
    secret::{Password, password},
    status::{ApplyProblem, Reference, Refused, Volumes},
};

/// How far applying the agent's objects has come.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) deployment: Option<Arc<Held<Deployment>>>,
    pub(super) service: Option<Arc<Held<Service>>>,
    pub(super) volumes: Volumes,
    /// What the agent needs to start, and is not there.
    pub(super) missing: Vec<Reference>,
    /// Why no more was applied.
    pub(super) problem: Option<ApplyProblem>,
}

impl Applied {
    /// What the agent names it may not have: not even a pod of before.
    pub(super) fn is_withheld(&self) -> bool {
        matches!(self.problem, Some(ApplyProblem::Withheld(_)))
    }
}

/// What is applied that neither the agent's spec nor its template says.
pub(super) struct Fresh {
    /// Of its server, where it has none yet.
    pub(super) password: Password,
    /// The commits for which its pod is restarted.
    pub(super) revision: Option<String>,
}

/// Why applying ends early.
enum Stop {
    Problem(ApplyProblem),
    Failed(ControllerError),
}

impl From<ApplyProblem> for Stop {
    fn from(problem: ApplyProblem) -> Self {
        Self::Problem(problem)
    }
}

impl From<ControllerError> for Stop {
    fn from(error: ControllerError) -> Self {
        Self::Failed(error)
    }
}

impl Reconciler {
    /// The first problem ends it. `applied` says how far it came, also where a request failed.
    pub(super) async fn apply(
        &self,
        identity: &AgentId,
        resolved: &ResolvedAgent,
        references: &[Reference],
        fresh: Fresh,
        applied: &mut Applied,
    ) -> Result<(), ControllerError> {
        match self.apply_in_order(identity, resolved, references, fresh, applied).await {
            Ok(()) => Ok(()),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Problem(problem)) => {
                applied.problem = Some(problem);
                Ok(())
            }
        }
    }

    /// In the order in which they need each other.
    async fn apply_in_order(
        &self,
        identity: &AgentId,
        resolved: &ResolvedAgent,
        references: &[Reference],
        fresh: Fresh,
        applied: &mut Applied,
    ) -> Result<(), Stop> {
        let Self { stores, applier, .. } = self;
        let (owner, name) = (owner(identity), names::server_secret(&identity.name));
        let held = cached(&stores.secrets, owner, &name);
        let held = applier.observe(owner, &name, held).await?;
        let password = password(held.owned().map(|held| &held.kept), fresh.password);
        let salt = (resolved.server_password == ServerPassword::Generated).then_some(&password);
        let secrets = self.defaults.secrets;
        let used =
            stores.contents.digest(&self.client, identity, references, secrets, salt).await?;
        if !used.withheld.is_empty() {
            return Err(ApplyProblem::Withheld(used.withheld).into());
        }
        let causes = Causes {
            references: self.restarted_for(identity, &used),
            revision: fresh.revision,
            password: salt.and_then(|password| self.changed_password(identity, password)),
        };
        applied.missing = used.missing;
        let DesiredObjects { server_secret, config_maps, claims, deployment, service } =
            desired(resolved, &password, causes);

        if let Some(secret) = &server_secret {
            let outcome = applier.ensure_observed(owner, secret, &held).await?;
            in_place(secret.name_any(), outcome)?;
        }
        for config_map in &config_maps {
            let outcome = applier.ensure(owner, config_map, &stores.config_maps).await?;
            in_place(config_map.name_any(), outcome)?;
        }
        self.apply_claims(owner, &claims, applied).await?;
        applied.deployment = Some(self.ensure_deployment(identity, &deployment).await?);
        // Only after the Deployment stopped using them.
        if server_secret.is_none() {
            applier.prune(owner, &name, &stores.secrets).await?;
        }
        for name in unused_config_maps(&identity.name, config_maps.len()) {
            applier.prune(owner, &name, &stores.config_maps).await?;
        }
        let outcome = applier.ensure(owner, &service, &stores.services).await?;
        applied.service = Some(in_place(service.name_any(), outcome)?);
        Ok(())
    }

    /// The digest for which the pod is restarted. One that runs has what has been deleted meanwhile, and another
    /// could not start: it is kept until all is there again.
    fn restarted_for(&self, identity: &AgentId, used: &Used) -> Option<String> {
        let held = || self.deployment(identity)?.kept.references.as_deref().map(str::to_owned);
        let is_whole = used.missing.is_empty();
        if is_whole { used.digest.clone() } else { held().or_else(|| used.digest.clone()) }
    }

    /// The digest of the password for which the pod is restarted: a server reads it once. Until it changes the pods of
    /// all agents are alike.
    fn changed_password(&self, identity: &AgentId, password: &Password) -> Option<String> {
        let deployment = self.deployment(identity)?;
        let (kept, now) = (&deployment.kept, password.digest());
        if kept.password.as_deref().is_none_or(|known| known == now) {
            kept.changed_password.as_deref().map(str::to_owned)
        } else {
            Some(now)
        }
    }

    async fn ensure_deployment(
        &self,
        identity: &AgentId,
        desired: &Deployment,
    ) -> Result<Arc<Held<Deployment>>, Stop> {
        let (owner, name) = (owner(identity), desired.name_any());
        let held = cached(&self.stores.deployments, owner, &name);
        let held = self.applier.observe(owner, &name, held).await?;
        if self.replace_outdated(identity, &held, desired).await? == Replacement::Begun {
            let kind = Deployment::kind(&()).into_owned();
            return Err(ApplyProblem::Ending { kind, name }.into());
        }
        let outcome = self.applier.ensure_observed(owner, desired, &held).await?;
        Ok(in_place(name, outcome)?)
    }

    /// A claim is only ever made or grown: what it holds is deleted with the agent. One that exists
    /// serves as it is, also where Kubernetes would not change it.
    async fn apply_claims(
        &self,
        owner: Owner<'_>,
        claims: &[PersistentVolumeClaim],
        applied: &mut Applied,
    ) -> Result<(), Stop> {
        let Self { stores, applier, .. } = self;
        for claim in claims {
            let name = claim.name_any();
            let exists = applier.known(owner, &name, &stores.claims).is_some();
            match applier.ensure(owner, claim, &stores.claims).await? {
                Outcome::Refused(why) if exists => {
                    applied.volumes.refused.push(Refused { claim: name, why });
                }
                outcome => {
                    let held = in_place(name.clone(), outcome)?;
                    let growth = held.kept.growth.as_deref().map(str::to_owned);
                    applied.volumes.growing.extend(growth.map(|says| (name, says)));
                }
            }
        }
        let possible = [names::sessions_claim(owner.name), names::workspace_claim(owner.name)];
        applied.volumes.kept = possible
            .into_iter()
            .filter(|name| claims.iter().all(|claim| claim.name_any() != *name))
            .filter(|name| applier.known(owner, name, &stores.claims).is_some())
            .collect();
        Ok(())
    }

    /// Stops the pod where it is not stopped by what was applied.
    pub(super) async fn suspend(
        &self,
        identity: &AgentId,
        applied: &mut Applied,
    ) -> Result<(), ControllerError> {
        let held = applied.deployment.clone().or_else(|| self.deployment(identity));
        let Some(running) = held.filter(|deployment| !is_stopped(deployment)) else {
            return Ok(());
        };
        match self.applier.scale_to_zero(owner(identity), &running).await? {
            Outcome::InPlace(stopped) => applied.deployment = Some(stopped),
            outcome => {
                let problem = in_place(running.name.to_string(), outcome).err();
                applied.problem = applied.problem.take().or(problem);
            }
        }
        Ok(())
    }

    /// The agent's own, as far as it is known without a request.
    pub(super) fn service(&self, identity: &AgentId) -> Option<Arc<Held<Service>>> {
        let name = names::service(&identity.name);
        self.applier.known(owner(identity), &name, &self.stores.services)
    }

    /// The agent's own, as far as it is known without a request.
    pub(super) fn deployment(&self, identity: &AgentId) -> Option<Arc<Held<Deployment>>> {
        let name = names::deployment(&identity.name);
        self.applier.known(owner(identity), &name, &self.stores.deployments)
    }
}

fn is_stopped(deployment: &Held<Deployment>) -> bool {
    deployment.is_ending || deployment.kept.stage == Stage::Suspended
}
