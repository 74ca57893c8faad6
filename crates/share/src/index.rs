//! Which agent a token opens: all links in memory, by the digest of their token.
//! Pure: it never sees a token but the one it is asked about, and keeps none.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use api_types::{Agent, AgentId, ShareToken, TokenLookup, TokenProof};

use crate::verdict::Share;

mod link;

/// The agent behind a token, as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedAgent {
    pub agent: AgentId,
    pub share: Share,
}

/// What one token opens: an agent, and the token's proof for it.
pub(crate) type LinkKey = (AgentId, TokenProof);

/// What a link's visitors must hear of: the link as it is now, or its end.
pub(crate) type Change = (LinkKey, Option<Share>);

/// What the index keeps of one agent whose link is turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    lookup: TokenLookup,
    proof: TokenProof,
    share: Share,
}

/// All links. Agents that are not shared take no room.
#[derive(Clone, Debug, Default)]
pub struct ShareIndex {
    links: BTreeMap<AgentId, Link>,
    /// A set, since anybody who may write a status can copy a digest.
    by_lookup: HashMap<TokenLookup, BTreeSet<AgentId>>,
}

impl ShareIndex {
    /// Takes in an Agent as it is now, and returns what changed for visitors.
    pub(crate) fn apply(&mut self, agent: &Agent) -> Vec<Change> {
        self.set(&AgentId::of(agent), Link::of(agent))
    }

    /// Forgets an agent that is gone.
    pub(crate) fn remove(&mut self, agent: &AgentId) -> Vec<Change> {
        self.set(agent, None)
    }

    /// Becomes `all`, as after a fresh listing: an agent that is not in it is gone. A listing of one
    /// namespace is about the agents of that namespace only.
    pub(crate) fn replace(&mut self, namespace: Option<&str>, all: Self) -> Vec<Change> {
        let Some(namespace) = namespace else { return self.replace_all(all) };
        let known = self.of_namespace(namespace);
        let gone = known.filter(|agent| !all.links.contains_key(agent));
        let gone: Vec<AgentId> = gone.cloned().collect();
        let mut changes: Vec<_> = gone.iter().flat_map(|agent| self.remove(agent)).collect();
        for (agent, link) in all.links {
            changes.extend(self.set(&agent, Some(link)));
        }
        changes
    }

    fn replace_all(&mut self, all: Self) -> Vec<Change> {
        let old = std::mem::replace(self, all);
        let known: BTreeSet<&AgentId> = old.links.keys().chain(self.links.keys()).collect();
        let changes = known
            .into_iter()
            .map(|agent| changes(agent, old.links.get(agent), self.links.get(agent)));
        changes.flatten().collect()
    }

    /// How many links there are.
    pub(crate) fn count(&self) -> usize {
        self.links.len()
    }

    /// The agent that `token` opens. The proof includes the agent's UID, so digests copied to
    /// another agent open nothing.
    pub fn find(&self, token: &ShareToken) -> Option<SharedAgent> {
        let (agent, link) = self.locate(token)?;
        Some(SharedAgent { agent: agent.clone(), share: link.share.clone() })
    }

    /// What `token` opens, by the key that its changes carry.
    pub(crate) fn find_key(&self, token: &ShareToken) -> Option<(LinkKey, SharedAgent)> {
        let (agent, link) = self.locate(token)?;
        let found = SharedAgent { agent: agent.clone(), share: link.share.clone() };
        Some(((agent.clone(), link.proof), found))
    }

    fn locate(&self, token: &ShareToken) -> Option<(&AgentId, &Link)> {
        let candidates = self.by_lookup.get(&token.lookup())?;
        candidates.iter().find_map(|agent| {
            let link = self.links.get(agent)?;
            (link.proof == token.proof(&agent.uid)).then_some((agent, link))
        })
    }

    fn set(&mut self, agent: &AgentId, link: Option<Link>) -> Vec<Change> {
        let mut changed = Vec::new();
        let mut known = None;
        for former in self.of_the_same_name(agent) {
            let old = self.take(&former);
            if former == *agent {
                known = old;
            } else {
                changed.extend(changes(&former, old.as_ref(), None));
            }
        }
        changed.extend(changes(agent, known.as_ref(), link.as_ref()));
        if let Some(link) = link {
            self.by_lookup.entry(link.lookup).or_default().insert(agent.clone());
            self.links.insert(agent.clone(), link);
        }
        changed
    }

    /// The agent itself and any former one of its name: there can be only one at a time.
    fn of_the_same_name(&self, agent: &AgentId) -> Vec<AgentId> {
        let first = AgentId { uid: String::new(), ..agent.clone() };
        let same =
            |other: &&AgentId| (&other.namespace, &other.name) == (&agent.namespace, &agent.name);
        self.links.range(first..).map(|(id, _)| id).take_while(same).cloned().collect()
    }

    fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = &AgentId> {
        let (name, uid) = (String::new(), String::new());
        let first = AgentId { namespace: namespace.to_owned(), name, uid };
        let agents = self.links.range(first..).map(|(agent, _)| agent);
        agents.take_while(move |agent| agent.namespace == namespace)
    }

    fn take(&mut self, agent: &AgentId) -> Option<Link> {
        let old = self.links.remove(agent)?;
        if let Some(agents) = self.by_lookup.get_mut(&old.lookup) {
            agents.remove(agent);
            if agents.is_empty() {
                self.by_lookup.remove(&old.lookup);
            }
        }
        Some(old)
    }
}

/// What `old` becoming `new` means to the visitors of either.
fn changes(agent: &AgentId, old: Option<&Link>, new: Option<&Link>) -> Vec<Change> {
    let ended =
        old.filter(|old| new.is_none_or(|new| new.proof != old.proof || new.lookup != old.lookup));
    let ended = ended.map(|old| ((agent.clone(), old.proof), None));
    let begun = new.filter(|_| old != new);
    let begun = begun.map(|new| ((agent.clone(), new.proof), Some(new.share.clone())));
    ended.into_iter().chain(begun).collect()
}

#[cfg(test)]
mod tests;
