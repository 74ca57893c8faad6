//! Which agent a token opens: all links in memory, by the digest of their token.
//! Pure: it never sees a token but the one it is asked about, and keeps none.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
};

use api_types::{Agent, AgentId, ShareToken, TokenLookup, TokenProof};
use hashbrown::HashTable;

use crate::verdict::Share;

mod link;
mod uid;

use uid::Uid;

/// The agent behind a token, as last seen. It copies nothing: of 100,000 links each look-up would wait
/// for every other place in memory that it reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedAgent(Arc<Link>);

impl SharedAgent {
    pub fn agent(&self) -> &Arc<AgentId> {
        &self.0.agent
    }

    pub(crate) fn share(&self) -> &Share {
        &self.0.share
    }

    pub(crate) fn key(&self) -> LinkKey {
        self.0.key()
    }
}

/// What one token opens: an agent, and the token's proof for it.
pub(crate) type LinkKey = (Arc<AgentId>, TokenProof);

/// What a link's visitors must hear of: the link as it is now, or its end.
pub(crate) type Change = (LinkKey, Option<Share>);

/// What the index keeps of one agent whose link is turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    lookup: TokenLookup,
    proof: TokenProof,
    /// That of `agent`, in the same place of memory as what is compared.
    uid: Uid,
    agent: Arc<AgentId>,
    share: Share,
}

/// A link in the order of agents.
#[derive(Clone, Debug)]
struct ByAgent(Arc<Link>);

impl Borrow<AgentId> for ByAgent {
    fn borrow(&self) -> &AgentId {
        &self.0.agent
    }
}

impl PartialEq for ByAgent {
    fn eq(&self, other: &Self) -> bool {
        self.0.agent == other.0.agent
    }
}

impl Eq for ByAgent {}

impl PartialOrd for ByAgent {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByAgent {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.agent.cmp(&other.0.agent)
    }
}

/// All links, each kept once. Agents that are not shared take no room.
#[derive(Clone, Debug, Default)]
pub struct ShareIndex {
    links: BTreeSet<ByAgent>,
    /// By the lookup of each. Several may have the same, since anybody who may write a status can copy
    /// a digest.
    by_lookup: HashTable<Arc<Link>>,
    hasher: RandomState,
}

impl ShareIndex {
    /// Takes in an Agent as it is now, and returns what changed for visitors.
    pub(crate) fn apply(&mut self, agent: &Agent) -> Vec<Change> {
        self.set(&AgentId::of(agent), Link::of(agent).map(Arc::new))
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
        let gone = known.filter(|link| all.get(&link.agent).is_none());
        let gone: Vec<_> = gone.map(|link| Arc::clone(&link.agent)).collect();
        let mut changes: Vec<_> = gone.iter().flat_map(|agent| self.remove(agent)).collect();
        for ByAgent(link) in all.links {
            changes.extend(self.set(&link.agent, Some(Arc::clone(&link))));
        }
        changes
    }

    fn replace_all(&mut self, all: Self) -> Vec<Change> {
        let old = std::mem::replace(self, all);
        let ended = old.links.iter().filter(|link| self.get(&link.0.agent).is_none());
        let ended = ended.flat_map(|link| changes(Some(&*link.0), None));
        let kept =
            self.links.iter().flat_map(|link| changes(old.get(&link.0.agent), Some(&*link.0)));
        ended.chain(kept).collect()
    }

    /// How many links there are.
    pub(crate) fn count(&self) -> usize {
        self.links.len()
    }

    /// The agent that `token` opens. The proof includes the agent's UID, so digests copied to
    /// another agent open nothing.
    pub fn find(&self, token: &ShareToken) -> Option<SharedAgent> {
        let lookup = token.lookup();
        let candidates = self.by_lookup.iter_hash(self.hasher.hash_one(lookup));
        let candidates = candidates.filter(|link| link.lookup == lookup);
        let proven = candidates.filter(|link| link.proof == token.proof(link.uid.as_str()));
        // No two agents have one UID; if they had, the answer would always be the same.
        proven.min_by(|one, other| one.agent.cmp(&other.agent)).cloned().map(SharedAgent)
    }

    fn get(&self, agent: &AgentId) -> Option<&Link> {
        self.links.get(agent).map(|link| &*link.0)
    }

    fn set(&mut self, agent: &AgentId, link: Option<Arc<Link>>) -> Vec<Change> {
        let mut changed = Vec::new();
        let mut known = None;
        for former in self.of_the_same_name(agent) {
            let old = self.take(&former);
            if *former == *agent {
                known = old;
            } else {
                changed.extend(changes(old.as_deref(), None));
            }
        }
        changed.extend(changes(known.as_deref(), link.as_deref()));
        if let Some(link) = link {
            let Self { by_lookup, hasher, .. } = self;
            let hash = |link: &Arc<Link>| hasher.hash_one(link.lookup);
            by_lookup.insert_unique(hash(&link), Arc::clone(&link), hash);
            self.links.insert(ByAgent(link));
        }
        changed
    }

    /// The agent itself and any former one of its name: there can be only one at a time.
    fn of_the_same_name(&self, agent: &AgentId) -> Vec<Arc<AgentId>> {
        let first = AgentId { uid: String::new(), ..agent.clone() };
        let same = |other: &&Link| {
            (&other.agent.namespace, &other.agent.name) == (&agent.namespace, &agent.name)
        };
        let links = self.links.range(first..).map(|link| &*link.0);
        links.take_while(same).map(|link| Arc::clone(&link.agent)).collect()
    }

    fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = &Link> {
        let (name, uid) = (String::new(), String::new());
        let first = AgentId { namespace: namespace.to_owned(), name, uid };
        let links = self.links.range(first..).map(|link| &*link.0);
        links.take_while(move |link| link.agent.namespace == namespace)
    }

    fn take(&mut self, agent: &AgentId) -> Option<Arc<Link>> {
        let ByAgent(old) = self.links.take(agent)?;
        let hash = self.hasher.hash_one(old.lookup);
        if let Ok(entry) = self.by_lookup.find_entry(hash, |link| Arc::ptr_eq(link, &old)) {
            entry.remove();
        }
        Some(old)
    }
}

impl Link {
    fn key(&self) -> LinkKey {
        (Arc::clone(&self.agent), self.proof)
    }
}

/// What `old` becoming `new`, of the same agent, means to the visitors of either.
fn changes(old: Option<&Link>, new: Option<&Link>) -> Vec<Change> {
    let ended =
        old.filter(|old| new.is_none_or(|new| new.proof != old.proof || new.lookup != old.lookup));
    let ended = ended.map(|old| (old.key(), None));
    let begun = new.filter(|_| old != new);
    let begun = begun.map(|new| (new.key(), Some(new.share.clone())));
    ended.into_iter().chain(begun).collect()
}

#[cfg(test)]
mod tests;
