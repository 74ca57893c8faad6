//! Pure: which open connection makes room for a newcomer. The client that has the most loses
//! one, so that a stranger with thousands of connections displaces nobody but itself. It closes
//! nothing itself, and knows no clock: what counts is the order of events.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, HashMap},
};

use crate::ClientKey;

/// Names one connection; never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Id(u64);

/// What a connection does. The order is that in which connections of one client are evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Activity {
    /// Between two requests, or still in the head of one.
    Idle,
    /// Answering.
    Busy,
}

/// When an [`Activity`] began, as a count of the ledger's events.
type Since = u64;
type Turn = (Activity, Since);

/// The open connections that are not authenticated yet, at most `max` (and at least one); `T`
/// is what the caller keeps of each. Every step takes O(log n).
#[derive(Debug)]
pub(crate) struct Ledger<T> {
    max: usize,
    events: u64,
    open: HashMap<Id, Entry<T>>,
    /// Each client's connections, the next to be evicted first.
    clients: HashMap<ClientKey, BTreeMap<Turn, Id>>,
    /// All clients, the next to lose a connection last: by their number of connections, and
    /// among equals by whose first connection has the earliest turn.
    ranks: BTreeSet<(usize, Reverse<Turn>, ClientKey)>,
}

#[derive(Debug)]
struct Entry<T> {
    client: ClientKey,
    turn: Turn,
    kept: T,
}

impl<T> Ledger<T> {
    pub(crate) fn new(max: usize) -> Self {
        let (open, clients, ranks) = Default::default();
        Self { max: max.max(1), events: 0, open, clients, ranks }
    }

    /// Adds a connection, idle from now on, and removes one if there are too many: that one is
    /// to be closed. It is never the newcomer, which would then have no chance in a flood.
    pub(crate) fn open(&mut self, client: ClientKey, kept: T) -> (Id, Option<T>) {
        let id = Id(self.next());
        // Busy while the choice is made: so it comes last among its client's.
        let turn = (Activity::Busy, id.0);
        self.open.insert(id, Entry { client, turn, kept });
        self.change(client, |connections| connections.insert(turn, id));

        let evicted = self.excess().and_then(|excess| self.close(excess));
        self.set(id, Activity::Idle);
        (id, evicted)
    }

    /// Notes what a connection does from now on. One that is not open any more stays so.
    pub(crate) fn set(&mut self, id: Id, activity: Activity) {
        let now = self.next();
        let Some(entry) = self.open.get_mut(&id) else { return };
        let (client, before) = (entry.client, entry.turn);
        if before.0 != activity {
            entry.turn = (activity, now);
            self.change(client, |connections| {
                connections.remove(&before);
                connections.insert((activity, now), id)
            });
        }
    }

    /// Forgets a connection, and gives what was kept of it if it was still open.
    pub(crate) fn close(&mut self, id: Id) -> Option<T> {
        let Entry { client, turn, kept } = self.open.remove(&id)?;
        self.change(client, |connections| connections.remove(&turn));
        Some(kept)
    }

    /// The connection to evict, where there is one too many.
    fn excess(&self) -> Option<Id> {
        let (_, Reverse(turn), client) =
            self.ranks.last().filter(|_| self.open.len() > self.max)?;
        self.clients.get(client)?.get(turn).copied()
    }

    /// Changes a client's connections, and its rank with them.
    fn change<R>(&mut self, client: ClientKey, change: impl FnOnce(&mut BTreeMap<Turn, Id>) -> R) {
        let connections = self.clients.entry(client).or_default();
        if let Some(rank) = rank(client, connections) {
            self.ranks.remove(&rank);
        }
        change(connections);
        match rank(client, connections) {
            Some(rank) => drop(self.ranks.insert(rank)),
            None => drop(self.clients.remove(&client)),
        }
    }

    fn next(&mut self) -> u64 {
        self.events += 1;
        self.events
    }
}

fn rank(
    client: ClientKey,
    connections: &BTreeMap<Turn, Id>,
) -> Option<(usize, Reverse<Turn>, ClientKey)> {
    let (turn, _) = connections.first_key_value()?;
    Some((connections.len(), Reverse(*turn), client))
}

#[cfg(test)]
mod tests;
