//! How far a share link has come: from an Agent and its Secret to "it works", or
//! to what is still missing. Pure.

use api_types::{
    Agent, AgentStatus, Condition, ShareToken,
    condition::{READY, SHARE_READY, reason, status},
    names,
};
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt;

/// What the cluster says of a link that is turned on.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Not usable yet. The sentence says what it waits for.
    Waiting(String),
    /// It will not become usable by waiting.
    Stuck(String),
    Active(ShareToken),
}

/// Whether the link of `agent` works, its Secret being `secret`.
pub(crate) fn progress(agent: &Agent, secret: Option<&Secret>) -> Progress {
    let waiting = |what: &str| Progress::Waiting(what.to_owned());
    let Some(observed) = agent.status.as_ref().filter(|status| is_current(agent, status)) else {
        return waiting("the controller to see the change");
    };
    if !is_published(observed) {
        return Progress::Waiting(match find_false(observed, READY) {
            Some(ready) => format!("the controller to make the link; the agent: {}", told(ready)),
            None => "the controller to make the link".to_owned(),
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
        Some(token) => judged(observed, token),
    }
}

/// The token that the share Secret holds.
pub(crate) fn token_of(secret: &Secret) -> Option<ShareToken> {
    let bytes = secret.data.as_ref()?.get(names::SHARE_TOKEN_KEY)?;
    ShareToken::parse(std::str::from_utf8(&bytes.0).ok()?)
}

/// Whether the Secret is this Agent's own: one of the same name may be a stranger's.
pub(crate) fn belongs_to(secret: &Secret, agent: &Agent) -> bool {
    secret.owner_references().iter().any(|owner| Some(&owner.uid) == agent.metadata.uid.as_ref())
}

/// Why the link does not work at present, if the controller says so.
pub(crate) fn inactive(agent: &Agent) -> Option<String> {
    let observed = agent.status.as_ref()?;
    find_false(observed, SHARE_READY).map(told)
}

fn judged(observed: &AgentStatus, token: ShareToken) -> Progress {
    let Some(share_ready) = find(observed, SHARE_READY) else {
        return Progress::Waiting("the controller to judge the link".to_owned());
    };
    if share_ready.status == status::TRUE {
        return Progress::Active(token);
    }
    if share_ready.reason == reason::EXPIRED {
        return Progress::Stuck(told(share_ready));
    }
    // Why the agent is not ready is told by Ready; ShareReady only tells that.
    let cause = find_false(observed, READY).unwrap_or(share_ready);
    Progress::Waiting(format!("the agent to be ready: {}", told(cause)))
}

/// Whether the status tells of the Agent as it is now.
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

fn find<'a>(observed: &'a AgentStatus, kind: &str) -> Option<&'a Condition> {
    observed.conditions.iter().find(|condition| condition.type_ == kind)
}

fn find_false<'a>(observed: &'a AgentStatus, kind: &str) -> Option<&'a Condition> {
    find(observed, kind).filter(|condition| condition.status != status::TRUE)
}

fn told(condition: &Condition) -> String {
    match condition.message.as_str() {
        "" => condition.reason.clone(),
        message => message.trim_end_matches('.').to_owned(),
    }
}

#[cfg(test)]
mod tests;
