//! Which agent a token opens: all links in memory, by the digest of their token.
//! Pure: it never sees a token but the one it is asked about, and keeps none.

use std::{
    borrow::Borrow,
    cmp::Ordering,
    collections::{BTreeSet, hash_map::RandomState},
    hash::BuildHasher,
    sync::Arc,
};

use api_types::{Agent, AgentId, LinkName, ShareToken, TokenLookup, TokenProof};
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
        &self.0.place.agent
    }

    /// The name of the link; `None` is the default link.
    pub fn link_name(&self) -> Option<&LinkName> {
        self.0.place.name.as_ref()
    }

    pub(crate) fn share(&self) -> &Share {
        &self.0.share
    }

    pub(crate) fn key(&self) -> LinkKey {
        self.0.key()
    }
}

/// A link's place among all: the links of an agent are together, its default link first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    agent: Arc<AgentId>,
    name: Option<LinkName>,
}

impl Place {
    /// Before every link of the agents of a name, or of a namespace where `name` is empty.
    fn before(namespace: &str, name: &str) -> Self {
        Self { agent: Arc::new(AgentId::new(namespace, name, "")), name: None }
    }
}

/// What one token opens: a link of an agent, and the token's proof for it.
pub(crate) type LinkKey = (Place, TokenProof);

/// What a link's visitors must hear of: the link as it is now, or its end.
pub(crate) type Change = (LinkKey, Option<Share>);

/// What the index keeps of one link that is turned on.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Link {
    lookup: TokenLookup,
    proof: TokenProof,
    /// That of the agent, in the same place of memory as what is compared.
    uid: Uid,
    place: Place,
    share: Share,
}

/// A link in the order of places.
#[derive(Clone, Debug)]
struct ByPlace(Arc<Link>);

impl Borrow<Place> for ByPlace {
    fn borrow(&self) -> &Place {
        &self.0.place
    }
}

impl PartialEq for ByPlace {
    fn eq(&self, other: &Self) -> bool {
        self.0.place == other.0.place
    }
}

impl Eq for ByPlace {}

impl PartialOrd for ByPlace {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for ByPlace {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.place.cmp(&other.0.place)
    }
}

/// All links, each kept once. Agents that are not shared take no room.
#[derive(Clone, Debug, Default)]
pub struct ShareIndex {
    links: BTreeSet<ByPlace>,
    /// By the lookup of each. Several may have the same, since anybody who may write a status can copy
    /// a digest.
    by_lookup: HashTable<Arc<Link>>,
    hasher: RandomState,
}

impl ShareIndex {
    /// Takes in an Agent as it is now, and returns what changed for visitors.
    pub(crate) fn apply(&mut self, agent: &Agent) -> Vec<Change> {
        let links = Link::all_of(agent).into_iter().map(Arc::new).collect();
        self.set(&AgentId::of(agent), links)
    }

    /// Forgets an agent that is gone.
    pub(crate) fn remove(&mut self, agent: &AgentId) -> Vec<Change> {
        self.set(agent, vec![])
    }

    /// Becomes `all`, as after a fresh listing: an agent that is not in it is gone. A listing of one
    /// namespace is about the agents of that namespace only.
    pub(crate) fn replace(&mut self, namespace: Option<&str>, all: Self) -> Vec<Change> {
        let Some(namespace) = namespace else { return self.replace_all(all) };
        let known: Vec<_> = self.of_namespace(namespace).collect();
        for link in &known {
            self.take(&link.place);
        }
        let changes = all_changes(&known, |place| all.get(place), &all.links);
        all.links.into_iter().for_each(|ByPlace(link)| self.insert(link));
        changes
    }

    fn replace_all(&mut self, all: Self) -> Vec<Change> {
        let old = std::mem::replace(self, all);
        let known: Vec<_> = old.links.into_iter().map(|ByPlace(link)| link).collect();
        all_changes(&known, |place| self.get(place), &self.links)
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
        // No two agents have one UID, and no two links one token; if they had, the answer would
        // always be the same.
        proven.min_by(|one, other| one.place.cmp(&other.place)).cloned().map(SharedAgent)
    }

    fn get(&self, place: &Place) -> Option<&Arc<Link>> {
        self.links.get(place).map(|link| &link.0)
    }

    fn set(&mut self, agent: &AgentId, links: Vec<Arc<Link>>) -> Vec<Change> {
        let known: Vec<_> = self.of_the_same_name(agent).collect();
        for link in &known {
            self.take(&link.place);
        }
        for link in &links {
            self.insert(Arc::clone(link));
        }
        let links: Vec<_> = links.into_iter().map(ByPlace).collect();
        all_changes(&known, |place| self.get(place), &links)
    }

    /// The links of the agent itself and of any former one of its name: there can be only one at a time.
    fn of_the_same_name(&self, agent: &AgentId) -> impl Iterator<Item = Arc<Link>> {
        let (namespace, name) = (&agent.namespace, &agent.name);
        self.starting_at(Place::before(namespace, name)).take_while(move |link| {
            let other = &link.place.agent;
            (&other.namespace, &other.name) == (namespace, name)
        })
    }

    fn of_namespace(&self, namespace: &str) -> impl Iterator<Item = Arc<Link>> {
        let links = self.starting_at(Place::before(namespace, ""));
        links.take_while(move |link| link.place.agent.namespace == namespace)
    }

    fn starting_at(&self, first: Place) -> impl Iterator<Item = Arc<Link>> {
        self.links.range(first..).map(|link| Arc::clone(&link.0))
    }

    fn insert(&mut self, link: Arc<Link>) {
        let Self { by_lookup, hasher, .. } = self;
        let hash = |link: &Arc<Link>| hasher.hash_one(link.lookup);
        by_lookup.insert_unique(hash(&link), Arc::clone(&link), hash);
        self.links.insert(ByPlace(link));
    }

    fn take(&mut self, place: &Place) {
        let Some(ByPlace(old)) = self.links.take(place) else { return };
        let hash = self.hasher.hash_one(old.lookup);
        if let Ok(entry) = self.by_lookup.find_entry(hash, |link| Arc::ptr_eq(link, &old)) {
            entry.remove();
        }
    }
}

impl Link {
    fn key(&self) -> LinkKey {
        (self.place.clone(), self.proof)
    }
}

/// What links of before becoming `new`, found by `now`, means to the visitors of either: the ends first.
fn all_changes<'a>(
    old: &[Arc<Link>],
    now: impl Fn(&Place) -> Option<&'a Arc<Link>>,
    new: impl IntoIterator<Item = &'a ByPlace>,
) -> Vec<Change> {
    let ended = old.iter().filter(|old| now(&old.place).is_none());
    let ended = ended.flat_map(|old| changes(Some(old), None));
    let before = |place: &Place| {
        let at = old.binary_search_by(|link| link.place.cmp(place)).ok()?;
        old.get(at).map(|link| &**link)
    };
    let kept = new.into_iter().flat_map(|link| changes(before(&link.0.place), Some(&*link.0)));
    ended.chain(kept).collect()
}

/// What `old` becoming `new`, at the same place, means to the visitors of either.
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
