//! The state of a share link, from an Agent and its Secret: active, or what is still missing. Pure.

use api_types::{
    Agent, AgentStatus, ShareToken,
    condition::{READY, SHARE_READY, reason, status},
    names,
};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

use crate::{
    cli::base_url,
    state::{find, find_false, message},
};

/// The state of a link that is enabled.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Not active yet; what it waits for.
    Waiting(String),
    /// It will not become active by waiting, for this reason.
    Stuck(String),
    Active(ShareToken),
}

/// Whether the link of `agent` works, its Secret being `secret`.
pub(crate) fn progress(agent: &Agent, secret: Option<&Secret>) -> Progress {
    let waiting = |what: &str| Progress::Waiting(what.to_owned());
    let Some(observed) = agent.status.as_ref().filter(|status| is_current(agent, status)) else {
        return waiting("the controller to observe the change");
    };
    if !is_published(observed) {
        return Progress::Waiting(match find_false(observed, READY) {
            Some(ready) => {
                format!("the controller to create the link; the agent: {}", message(ready))
            }
            None => "the controller to create the link".to_owned(),
        });
    }
    let Some(secret) = secret else {
        return Progress::Waiting(format!("the Secret {}", names::share_secret(&agent.name_any())));
    };
    match token_of(secret) {
        None => waiting("a token in the Secret"),
        Some(token) if !is_published_for(&token, agent, observed) => {
            waiting("the controller to publish the new token")
        }
        Some(token) => state(observed, token),
    }
}

/// The token that the share Secret holds.
pub(crate) fn token_of(secret: &Secret) -> Option<ShareToken> {
    let bytes = secret.data.as_ref()?.get(names::SHARE_TOKEN_KEY)?;
    ShareToken::parse(std::str::from_utf8(&bytes.0).ok()?)
}

/// Whether the Secret is this Agent's own: one of the same name may belong to another.
pub(crate) fn belongs_to(secret: &Secret, agent: &Agent) -> bool {
    secret.owner_references().iter().any(|owner| Some(&owner.uid) == agent.metadata.uid.as_ref())
}

/// The URL of the link that the share Secret holds, where the controller knows it. A URL that does
/// not end with the token's `path` is of another token, or none of the controller's.
pub(crate) fn url_of(secret: &Secret, path: &str) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(names::SHARE_URL_KEY)?;
    let url = base_url(std::str::from_utf8(&bytes.0).ok()?).ok()?;
    url.ends_with(path).then_some(url)
}

/// Whether the link of `agent`, with this token, works at present.
pub(crate) fn is_active(agent: &Agent, token: &ShareToken) -> bool {
    agent.status.as_ref().is_some_and(|observed| {
        observed.share.as_ref().is_some_and(|share| share.active)
            && is_published_for(token, agent, observed)
    })
}

/// The reason of `ShareReady`, where the controller reports it.
pub(crate) fn share_reason(agent: &Agent) -> Option<String> {
    let observed = agent.status.as_ref()?;
    find(observed, SHARE_READY).map(|share_ready| share_ready.reason.clone())
}

/// Why the link works or does not, in the controller's words.
pub(crate) fn explanation(agent: &Agent, secret: Option<&Secret>) -> Option<String> {
    match progress(agent, secret) {
        Progress::Waiting(what) => Some(format!("waiting for {what}")),
        Progress::Stuck(cause) => Some(cause),
        Progress::Active(_) => find(agent.status.as_ref()?, SHARE_READY).map(message),
    }
}

fn state(observed: &AgentStatus, token: ShareToken) -> Progress {
    let Some(share_ready) = find(observed, SHARE_READY) else {
        return Progress::Waiting("the controller to report the state of the link".to_owned());
    };
    if share_ready.status == status::TRUE {
        return Progress::Active(token);
    }
    if share_ready.reason == reason::EXPIRED {
        return Progress::Stuck(message(share_ready));
    }
    // Why the agent is not ready is in Ready; ShareReady only says that it is not.
    let cause = find_false(observed, READY).unwrap_or(share_ready);
    Progress::Waiting(format!("the agent to be ready: {}", message(cause)))
}

/// Whether the status is that of the current generation.
fn is_current(agent: &Agent, observed: &AgentStatus) -> bool {
    observed.observed_generation >= agent.metadata.generation
}

fn is_published(observed: &AgentStatus) -> bool {
    observed.share.as_ref().is_some_and(|share| share.token_lookup.is_some())
}

fn is_published_for(token: &ShareToken, agent: &Agent, observed: &AgentStatus) -> bool {
    let uid = agent.metadata.uid.as_deref().unwrap_or_default();
    let (lookup, proof) = (token.lookup().to_string(), token.proof(uid).to_string());
    observed
        .share
        .as_ref()
        .is_some_and(|share| share.token_lookup == Some(lookup) && share.token_proof == Some(proof))
}

#[cfg(test)]
mod tests;
