//! One watch of Agents feeds the index, or one of each namespace where only some are served; a visit
//! hears the new state of its link at once. An outage of the API server revokes nothing: it only makes
//! the links stale.

use std::{
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use api_types::{Agent, AgentId, ShareToken};
use tokio::sync::watch;

use crate::{
    client::{ClientAddress, Visitor},
    denial::Denial,
    index::{Change, ShareIndex, SharedAgent},
    verdict::Share,
};

mod channels;
mod feed;
mod freshness;
mod observed;

use channels::Channels;
pub(crate) use channels::News;
pub use feed::follow;
pub use freshness::Freshness;
use freshness::{Watches, Watching};

/// All links, as last seen. A clone is the same links.
#[derive(Clone, Debug)]
pub struct Links {
    state: Arc<RwLock<State>>,
    watching: Arc<watch::Sender<Watches>>,
    /// Counts the changes of any link.
    news: Arc<watch::Sender<u64>>,
}

#[derive(Debug, Default)]
struct State {
    index: ShareIndex,
    channels: Channels,
}

impl Links {
    /// No links yet; give them to [`follow`].
    pub fn new() -> Self {
        Self::watched(Watching::Starting)
    }

    /// Links of these agents, without a cluster: for tests.
    pub fn with(agents: impl IntoIterator<Item = Agent>) -> Self {
        let links = Self::watched(Watching::Works);
        for agent in agents {
            links.apply(&agent);
        }
        links
    }

    fn watched(watching: Watching) -> Self {
        Self {
            state: Arc::default(),
            watching: Arc::new(watch::Sender::new(Watches::of([None], watching))),
            news: Arc::default(),
        }
    }

    /// The agent that `token` opens. Costs no request.
    pub fn find(&self, token: &ShareToken) -> Option<SharedAgent> {
        self.read().index.find(token)
    }

    /// How many links are turned on.
    pub(crate) fn count(&self) -> usize {
        self.read().index.count()
    }

    /// [`Links::find`], and a channel of what becomes of the link, with no change in between.
    pub(crate) fn find_and_follow(
        &self,
        token: &ShareToken,
    ) -> Option<(SharedAgent, watch::Receiver<News>)> {
        let mut state = self.write();
        let found = state.index.find(token)?;
        let share = state.channels.subscribe(found.key(), found.share());
        Some((found, share))
    }

    /// Who `client` is by `token`, the link as it is now, and a channel of what becomes of it; or
    /// why nothing can be said of `token`. `grace` is how long the links are believed without a
    /// working watch. Whether the visitor may use the link is not judged.
    pub(crate) fn look_up(
        &self,
        token: &ShareToken,
        client: ClientAddress,
        grace: Duration,
    ) -> Result<(Visitor, Share, watch::Receiver<News>), Denial> {
        if !self.is_fresh(grace) {
            return Err(Denial::Stale);
        }
        // The Agent may have been shared since the watch broke.
        let unknown = || if self.is_watching() { Denial::Unknown } else { Denial::Stale };
        let (found, changes) = self.find_and_follow(token).ok_or_else(unknown)?;
        let agent = AgentId::clone(found.agent());
        let link_name = found.link_name().cloned();
        let visitor = Visitor { agent, link: token.lookup(), link_name, client };
        Ok((visitor, found.share().clone(), changes))
    }

    /// What `admit` says, such as [`Visit::admit`](crate::Visit::admit) by these links; but a denial
    /// that the next event of the watch may lift is waited out for at most `patience`: of two
    /// replicas one always hears of a link first.
    pub async fn admit_within<T>(
        &self,
        patience: Duration,
        admit: impl Fn() -> Result<T, Denial>,
    ) -> Result<T, Denial> {
        let mut news = self.news();
        let judged = async {
            loop {
                news.borrow_and_update();
                let verdict = admit();
                if verdict.is_ok() || news.changed().await.is_err() {
                    return verdict;
                }
            }
        };
        match tokio::time::timeout(patience, judged).await {
            Ok(verdict) => verdict,
            Err(_late) => admit(),
        }
    }

    /// A number that grows with each change of any link or of the watch.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Takes in one Agent as it is now.
    pub fn apply(&self, agent: &Agent) {
        self.change(|index| index.apply(agent));
    }

    /// Closes the link of an agent that is gone, or cannot be read.
    pub fn remove(&self, agent: &AgentId) {
        self.change(|index| index.remove(agent));
    }

    /// Takes in a whole listing, of one namespace or of all: an agent that is not in it is gone.
    pub(crate) fn replace(&self, namespace: Option<&str>, all: ShareIndex) {
        self.change(|index| index.replace(namespace, all));
        self.works(namespace);
        self.news.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    fn change(&self, change: impl FnOnce(&mut ShareIndex) -> Vec<Change>) {
        let mut state = self.write();
        let changes = change(&mut state.index);
        let any = !changes.is_empty();
        state.channels.publish(changes);
        drop(state);
        if any {
            self.news.send_modify(|changes| *changes = changes.wrapping_add(1));
        }
    }

    // A panic under the lock is a defect, but no reason to lock everybody out.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Links {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests;
