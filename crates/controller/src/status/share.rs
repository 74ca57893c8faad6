//! The state of the share links: of the default link by a condition, of each other by its entry. Pure.

use api_types::{
    Agent, LinkName, ShareLink, ShareLinkStatus, ShareSpec, ShareStatus, ShareToken,
    condition::{self, reason},
    names,
};
use time::OffsetDateTime;

use super::{
    Facts, LONGEST_SENTENCE, Share,
    conditions::{Conditions, Truth},
    server::{Server, Suspension},
};
use crate::refusal::shorten;

/// What a condition says of a link: its status, its reason and its message.
type Said = (Truth, &'static str, String);

pub(super) fn share(
    facts: &Facts<'_>,
    server: &Server,
    conditions: &mut Conditions<'_>,
) -> Option<ShareStatus> {
    let agent = facts.agent;
    let spec = agent.spec.share.clone().unwrap_or_default();
    let default = || link(has_ended(spec.expires_at, facts.now), server);
    let (mut published, (truth, reason, message)) = match facts.share {
        Share::Off => return None,
        Share::Failed(problem) => {
            (ShareStatus::default(), (Truth::False, problem.reason(), problem.sentence()))
        }
        Share::On(tokens) => {
            let token = |name: Option<&LinkName>| match name {
                None => Some(&tokens.default),
                Some(name) => tokens.named.get(name),
            };
            (published(agent, &spec, token), default())
        }
        Share::Unknown => {
            let old = agent.status.as_ref().and_then(|status| status.share.clone());
            match old.filter(|old| old.token_lookup.is_some()) {
                Some(old) => (still_published(old, &spec), default()),
                None => (ShareStatus::default(), no_link()),
            }
        }
    };
    for state in &mut published.links {
        let spec = spec.links.iter().find(|link| link.name == state.name);
        state.active = state.token_lookup.is_some() && is_active(spec, server, facts.now);
    }
    let message = with_links(message, &spec, facts.now);
    conditions.set(condition::SHARE_READY, truth, reason, message);
    Some(ShareStatus { active: truth == Truth::True, ..published })
}

fn has_ended(expires_at: Option<OffsetDateTime>, now: OffsetDateTime) -> bool {
    expires_at.is_some_and(|end| end <= now)
}

fn is_active(spec: Option<&ShareLink>, server: &Server, now: OffsetDateTime) -> bool {
    spec.is_some_and(|spec| link(has_ended(spec.expires_at, now), server).0 == Truth::True)
}

/// The digests of each token, where its link can be used.
fn published<'a>(
    agent: &Agent,
    spec: &ShareSpec,
    token: impl Fn(Option<&LinkName>) -> Option<&'a ShareToken>,
) -> ShareStatus {
    let uid = agent.metadata.uid.as_deref().unwrap_or_default();
    let lookup = |token: Option<&ShareToken>| token.map(|token| token.lookup().to_string());
    let proof = |token: Option<&ShareToken>| token.map(|token| token.proof(uid).to_string());
    let links = spec.named_links().map(|(name, _, mistake)| {
        let token = token(Some(&name)).filter(|_| mistake.is_none());
        ShareLinkStatus {
            name: name.to_string(),
            active: false,
            token_lookup: lookup(token),
            token_proof: proof(token),
        }
    });
    ShareStatus {
        secret_name: Some(names::share_secret(agent.metadata.name.as_deref().unwrap_or_default())),
        active: false,
        // The address contains the token, and more people may read an Agent than a
        // Secret: it is in the Secret.
        url: None,
        token_lookup: lookup(token(None)),
        token_proof: proof(token(None)),
        links: links.collect(),
    }
}

/// What was published, but for links that there are no more, or that cannot be used.
fn still_published(mut old: ShareStatus, spec: &ShareSpec) -> ShareStatus {
    let usable: Vec<_> = spec.named_links().filter(|(_, _, mistake)| mistake.is_none()).collect();
    old.links.retain(|link| usable.iter().any(|(name, _, _)| name.as_str() == link.name));
    old
}

/// What is said of the default link, and of each other that cannot be used though the agent can.
fn with_links(message: String, spec: &ShareSpec, now: OffsetDateTime) -> String {
    let named = spec
        .named_links()
        .filter(|(_, link, mistake)| mistake.is_none() && has_ended(link.expires_at, now));
    let expired = named.map(|(name, _, _)| format!("link \"{name}\" has expired"));
    let mistakes = spec.link_mistakes().map(|(index, mistake)| {
        let named = spec.links.get(index).map(|link| shorten(&link.name, LONGEST_NAME));
        let name = named.unwrap_or_default();
        format!("link {name:?} cannot be used: {}", mistake.at(index))
    });
    // No more than fit: a list may be long where nobody judged it at admission.
    let all = [message].into_iter().chain(expired).chain(mistakes).take(MOST_SAID);
    shorten(&all.collect::<Vec<_>>().join("; "), LONGEST_SENTENCE)
}

/// In characters; a name that is longer is none.
const LONGEST_NAME: usize = 63;
/// Sentences of one condition: the default link's, and one of each other.
const MOST_SAID: usize = 1 + 2 * api_types::MAX_LINKS;

fn no_link() -> Said {
    let message = "the link's Secret could not be read or written yet; retrying";
    (Truth::False, reason::AGENT_NOT_READY, message.to_owned())
}

pub(super) fn link(has_ended: bool, server: &Server) -> Said {
    match (has_ended, server) {
        (true, _) => (Truth::False, reason::EXPIRED, "Share link has expired".to_owned()),
        (false, Server::Ready) => (Truth::True, reason::ACTIVE, "Share link is active".to_owned()),
        (false, Server::Suspended(Suspension::Standby)) => {
            let message = "the agent sleeps; whoever may use the link can wake it there";
            (Truth::False, reason::AGENT_NOT_READY, message.to_owned())
        }
        (false, _) => {
            let message = "Share link waits for the agent to become ready";
            (Truth::False, reason::AGENT_NOT_READY, message.to_owned())
        }
    }
}
