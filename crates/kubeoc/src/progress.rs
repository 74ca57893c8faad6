//! The state of a share link, from an Agent and its Secret: active, or what is still missing. Pure.

use api_types::{
    Agent, AgentStatus, LinkName, ShareToken,
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

/// Whether a link of `agent` works, its Secret being `secret`; `None` is the default link.
pub(crate) fn progress(
    agent: &Agent,
    secret: Option<&Secret>,
    link: Option<&LinkName>,
) -> Progress {
    let waiting = |what: &str| Progress::Waiting(what.to_owned());
    let Some(observed) = agent.status.as_ref().filter(|status| is_current(agent, status)) else {
        return waiting("the controller to observe the change");
    };
    let Some(digests) = Digests::of(observed, link) else {
        if let Some(cause) = find(observed, SHARE_READY).filter(|_| is_refused(observed, link)) {
            return Progress::Stuck(message(cause));
        }
        return Progress::Waiting(match find_false(observed, READY) {
            Some(ready) => {
                format!("the controller to create the link; the agent: {}", message(ready))
            }
            None => "the controller to create the link".to_owned(),
        });
    };
    let Some(secret) = secret else {
        return Progress::Waiting(format!("the Secret {}", names::share_secret(&agent.name_any())));
    };
    match token_of(secret, link) {
        None => waiting("a token in the Secret"),
        Some(token) if !digests.are_of(&token, agent) => {
            waiting("the controller to publish the new token")
        }
        Some(token) if link.is_some() => named_state(observed, &digests, token),
        Some(token) => state(observed, token),
    }
}

/// The token of a link that the share Secret holds.
pub(crate) fn token_of(secret: &Secret, link: Option<&LinkName>) -> Option<ShareToken> {
    let bytes = secret.data.as_ref()?.get(&names::link_token_key(link))?;
    ShareToken::parse(std::str::from_utf8(&bytes.0).ok()?)
}

/// Whether the Secret is this Agent's own: one of the same name may belong to another.
pub(crate) fn belongs_to(secret: &Secret, agent: &Agent) -> bool {
    secret.owner_references().iter().any(|owner| Some(&owner.uid) == agent.metadata.uid.as_ref())
}

/// The URL of a link that the share Secret holds, where the controller knows it. A URL that does
/// not end with the token's `path` is of another token, or none of the controller's.
pub(crate) fn url_of(secret: &Secret, link: Option<&LinkName>, path: &str) -> Option<String> {
    let bytes = secret.data.as_ref()?.get(&names::link_url_key(link))?;
    let url = base_url(std::str::from_utf8(&bytes.0).ok()?).ok()?;
    url.ends_with(path).then_some(url)
}

/// Whether a link of `agent`, with this token, works at present.
pub(crate) fn is_active(agent: &Agent, link: Option<&LinkName>, token: &ShareToken) -> bool {
    let digests = agent.status.as_ref().and_then(|observed| Digests::of(observed, link));
    digests.is_some_and(|digests| digests.active && digests.are_of(token, agent))
}

/// The reason of `ShareReady`, where the controller reports it.
pub(crate) fn share_reason(agent: &Agent) -> Option<String> {
    let observed = agent.status.as_ref()?;
    find(observed, SHARE_READY).map(|share_ready| share_ready.reason.clone())
}

/// Why the link works or does not, in the controller's words.
pub(crate) fn explanation(
    agent: &Agent,
    secret: Option<&Secret>,
    link: Option<&LinkName>,
) -> Option<String> {
    match progress(agent, secret, link) {
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

/// What the controller published of one link.
struct Digests<'a> {
    active: bool,
    lookup: &'a str,
    proof: &'a str,
}

impl<'a> Digests<'a> {
    /// `None` where the link is not published yet.
    fn of(observed: &'a AgentStatus, link: Option<&LinkName>) -> Option<Self> {
        let share = observed.share.as_ref()?;
        let (active, lookup, proof) = match link {
            None => (share.active, &share.token_lookup, &share.token_proof),
            Some(name) => {
                let link = share.links.iter().find(|link| link.name == name.as_str())?;
                (link.active, &link.token_lookup, &link.token_proof)
            }
        };
        let proof = proof.as_deref().unwrap_or_default();
        Some(Self { active, lookup: lookup.as_deref()?, proof })
    }

    fn are_of(&self, token: &ShareToken, agent: &Agent) -> bool {
        let uid = agent.metadata.uid.as_deref().unwrap_or_default();
        token.lookup().to_string() == self.lookup && token.proof(uid).to_string() == self.proof
    }
}

/// Whether the controller knows the link by its name, and opens it to nobody: it is malformed.
fn is_refused(observed: &AgentStatus, link: Option<&LinkName>) -> bool {
    let links = observed.share.iter().flat_map(|share| &share.links);
    link.is_some_and(|name| links.into_iter().any(|link| link.name == name.as_str()))
}

/// Of a link with a name, whose tokens agree.
fn named_state(observed: &AgentStatus, digests: &Digests<'_>, token: ShareToken) -> Progress {
    if digests.active {
        return Progress::Active(token);
    }
    if let Some(ready) = find_false(observed, READY) {
        return Progress::Waiting(format!("the agent to be ready: {}", message(ready)));
    }
    // The agent is ready, so it is the link itself; the condition names each that is not active.
    let cause = find(observed, SHARE_READY).map_or_else(|| "it has expired".to_owned(), message);
    Progress::Stuck(cause)
}

#[cfg(test)]
mod tests;
