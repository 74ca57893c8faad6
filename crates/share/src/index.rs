//! Which agent a token opens: all links in memory, by the digest of their token.
//! Pure: it never sees a token but the one it is asked about, and keeps none.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use api_types::{Agent, ShareToken, TokenLookup, TokenProof};
use kube::ResourceExt;

use crate::verdict::Share;

mod link;

/// An Agent's place in the cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentRef {
    pub namespace: String,
    pub name: String,
}

impl AgentRef {
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into() }
    }

    /// The place of any namespaced object.
    pub fn of(object: &impl ResourceExt) -> Self {
        Self::new(object.namespace().unwrap_or_default(), object.name_any())
    }
}

impl fmt::Display for AgentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// The agent behind a token, as last seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedAgent {
    pub agent: AgentRef,
    pub uid: String,
    pub share: Share,
}

/// What the index keeps of one agent whose link is turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    uid: String,
    lookup: TokenLookup,
    proof: TokenProof,
    share: Share,
}

/// Whether an event made any difference to a link's visitors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Changed,
    Unchanged,
}

/// All links. Agents that are not shared take no room.
#[derive(Clone, Debug, Default)]
pub struct ShareIndex {
    links: HashMap<AgentRef, Link>,
    /// A set, since anybody who may write a status can copy a digest.
    by_lookup: HashMap<TokenLookup, BTreeSet<AgentRef>>,
}

impl ShareIndex {
    /// Takes in an Agent as it is now.
    pub fn apply(&mut self, agent: &Agent) -> Change {
        self.set(AgentRef::of(agent), Link::of(agent))
    }

    /// Forgets an agent that is gone.
    pub fn remove(&mut self, agent: &AgentRef) -> Change {
        self.set(agent.clone(), None)
    }

    /// Becomes `all`, as after a fresh listing. Returns the agents whose links
    /// changed, those that are gone among them.
    pub fn replace(&mut self, all: Self) -> Vec<AgentRef> {
        let old = std::mem::replace(self, all);
        let known: BTreeSet<&AgentRef> = old.links.keys().chain(self.links.keys()).collect();
        let changed =
            known.into_iter().filter(|agent| old.links.get(agent) != self.links.get(agent));
        changed.cloned().collect()
    }

    /// The agent that `token` opens. The proof includes the agent's UID, so digests
    /// copied to another agent open nothing.
    pub fn find(&self, token: &ShareToken) -> Option<SharedAgent> {
        let candidates = self.by_lookup.get(&token.lookup())?;
        candidates.iter().find_map(|agent| {
            let link = self.links.get(agent)?;
            let opens = link.proof == token.proof(&link.uid);
            opens.then(|| SharedAgent {
                agent: agent.clone(),
                uid: link.uid.clone(),
                share: link.share.clone(),
            })
        })
    }

    /// How many links are turned on.
    pub fn len(&self) -> usize {
        self.links.len()
    }

    /// Whether no link is turned on.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    fn set(&mut self, agent: AgentRef, link: Option<Link>) -> Change {
        if self.links.get(&agent) == link.as_ref() {
            return Change::Unchanged;
        }
        if let Some(old) = self.links.remove(&agent) {
            self.forget_lookup(&old.lookup, &agent);
        }
        if let Some(link) = link {
            self.by_lookup.entry(link.lookup).or_default().insert(agent.clone());
            self.links.insert(agent, link);
        }
        Change::Changed
    }

    fn forget_lookup(&mut self, lookup: &TokenLookup, agent: &AgentRef) {
        if let Some(agents) = self.by_lookup.get_mut(lookup) {
            agents.remove(agent);
            if agents.is_empty() {
                self.by_lookup.remove(lookup);
            }
        }
    }
}

#[cfg(test)]
mod tests;
