//! The Secret of an agent's links. They can be turned on and off while the rest of the agent is
//! invalid or refused.

use std::sync::Arc;

use api_types::{Agent, AgentId, ShareSpec, names};
use k8s_openapi::api::core::v1::Secret;

use super::{Failure, Reconciler, in_place, owner};
use crate::{
    apply::cached,
    desired::share_secret,
    error::ControllerError,
    fetch::Fetched,
    held::Held,
    secret::{leftover_keys, share_tokens},
    status::Share,
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
        if let Some(share) = agent.spec.share.as_ref().filter(|share| share.enabled) {
            let ensured = self.ensure_share(share, identity, fetched).await;
            return failure.of(ensured).unwrap_or(Share::Unknown);
        }
        let was_shared = agent.status.as_ref().is_some_and(|status| status.share.is_some());
        failure.of(self.unshare(identity, was_shared).await);
        Share::Off
    }

    async fn ensure_share(
        &self,
        share: &ShareSpec,
        identity: &AgentId,
        fetched: &Fetched,
    ) -> Result<Share, ControllerError> {
        let (owner, name) = (owner(identity), names::share_secret(&identity.name));
        let held = self.applier.observe(owner, &name, self.cached_share(identity)).await?;
        let links = share.named_links().map(|(name, _, _)| name);
        let tokens =
            share_tokens(held.owned().map(|held| &held.kept), links, &fetched.fresh_tokens);
        let secret = share_secret(identity, &tokens, self.external_url.as_deref());
        let outcome = self.applier.ensure_observed(owner, &secret, &held).await?;
        let applied = match in_place(name, outcome) {
            Ok(applied) => applied,
            Err(problem) => return Ok(Share::Failed(problem)),
        };
        let leftover = leftover_keys(&applied.kept, &tokens);
        if !leftover.is_empty() {
            self.applier.remove_keys(owner, &applied, &leftover).await?;
        }
        Ok(Share::On(tokens))
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
