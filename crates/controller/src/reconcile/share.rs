//! The Secret of an agent's link. A link can be turned on and off while the rest of the agent is
//! invalid or refused.

use std::sync::Arc;

use api_types::{Agent, AgentId, names};
use k8s_openapi::api::core::v1::Secret;

use super::{Failure, Reconciler, in_place, owner};
use crate::{
    apply::cached, desired::share_secret, error::ControllerError, fetch::Fetched, held::Held,
    secret::share_token, status::Share,
};

impl Reconciler {
    /// Where its Secret cannot be read or written, the link stays as it was published; one that is
    /// turned off is off, whatever becomes of its Secret.
    pub(super) async fn share(
        &self,
        agent: &Agent,
        identity: &AgentId,
        fetched: &Fetched,
        failure: &mut Failure,
    ) -> Share {
        if agent.spec.is_shared() {
            return failure
                .of(self.ensure_share(identity, fetched).await)
                .unwrap_or(Share::Unknown);
        }
        let was_shared = agent.status.as_ref().is_some_and(|status| status.share.is_some());
        failure.of(self.unshare(identity, was_shared).await);
        Share::Off
    }

    async fn ensure_share(
        &self,
        identity: &AgentId,
        fetched: &Fetched,
    ) -> Result<Share, ControllerError> {
        let (owner, name) = (owner(identity), names::share_secret(&identity.name));
        let held = self.applier.observe(owner, &name, self.cached_share(identity)).await?;
        let token = share_token(held.owned().map(|held| &held.kept), fetched.fresh_token.clone());
        let secret = share_secret(identity, &token, self.external_url.as_deref());
        let outcome = self.applier.ensure_observed(owner, &secret, &held).await?;
        Ok(match in_place(name, outcome) {
            Ok(_) => Share::On(token),
            Err(problem) => Share::Failed(problem),
        })
    }

    /// A Secret that lost its labels is found through the status, and one that the status does not
    /// know of by its labels: neither costs a request where there is none.
    pub(super) async fn unshare(
        &self,
        identity: &AgentId,
        was_shared: bool,
    ) -> Result<(), ControllerError> {
        let (owner, name) = (owner(identity), names::share_secret(&identity.name));
        let cached = self.cached_share(identity);
        let leftover = if was_shared {
            self.applier.observe_published(owner, &name, cached).await?
        } else {
            self.applier.observe(owner, &name, cached).await?
        };
        match leftover.owned() {
            Some(secret) => self.applier.delete(owner, secret).await,
            None => Ok(()),
        }
    }

    /// It is in the one cache or in the other, by whether it has the label of share Secrets.
    fn cached_share(&self, identity: &AgentId) -> Option<Arc<Held<Secret>>> {
        let (owner, name) = (owner(identity), names::share_secret(&identity.name));
        let found = |cache| cached(cache, owner, &name);
        found(&self.stores.shares).or_else(|| found(&self.stores.secrets))
    }
}
