//! The watch itself: from the API server into [`Links`], for as long as the
//! process runs.

use std::time::Duration;

use api_types::{Agent, AgentId, Namespaces};
use backon::ExponentialBuilder;
use futures::{Stream, StreamExt, future::join_all};
use kube::{
    Api, Client,
    runtime::{
        utils::ResetTimerBackoff,
        watcher::{self, Event, ExponentialBackoff, watcher},
    },
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Links, observed::ObservedAgent};
use crate::index::ShareIndex;

/// Seconds after which the server ends a watch and it is opened anew. Five seconds later the watcher
/// would open another without a word: before that, after 70 s, the client fails a connection that
/// carries nothing any more (`daemon::cluster`), and so it is known that the watch broke.
const WATCH_SECONDS: u32 = 66;

/// Pauses before a broken watch is tried again, with their jitter up to twice as long. Without it no terminal opens: an API
/// server that is back must be met soon, and one that comes up bears a few lists a second.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A watch that lasted so long was no failure.
const STABLE: Duration = Duration::from_mins(2);

/// Keeps `links` those of the cluster, or of `namespaces`, until `shutdown`. A failed watch is started
/// from a fresh listing, so that what happened meanwhile, a deletion included, is
/// taken in at once; an API server that is back is met within 2 s.
///
/// Needs permission to list and watch Agents in all namespaces, or in those.
pub async fn follow(
    client: Client,
    namespaces: Namespaces,
    links: Links,
    shutdown: CancellationToken,
) {
    links.begin(&namespaces);
    let config = watcher::Config::default().timeout(WATCH_SECONDS);
    let feeds = namespaces.scopes().map(|namespace| {
        let agents = match namespace {
            None => Api::all(client.clone()),
            Some(namespace) => Api::namespaced(client.clone(), namespace),
        };
        let config = &config;
        keep_fed(&links, namespace, move || watcher(agents.clone(), config.clone()).boxed())
    });
    shutdown.run_until_cancelled(join_all(feeds)).await;
}

/// Feeds from one stream after the other, for ever. Each tells of one namespace, or of all.
pub(super) async fn keep_fed<S>(links: &Links, namespace: Option<&str>, open: impl Fn() -> S)
where
    S: Stream<Item = watcher::Result<Event<ObservedAgent>>> + Unpin,
{
    let mut pauses = ResetTimerBackoff::new(ExponentialBackoff::from(pauses()), STABLE);
    loop {
        let error = feed(links, namespace, open()).await;
        links.broke(namespace, Instant::now());
        let pause = pauses.next().unwrap_or(LONGEST_PAUSE);
        tracing::warn!(
            error = error.map(tracing::field::display),
            ?pause,
            namespace,
            "the watch of Agents broke"
        );
        tokio::time::sleep(pause).await;
    }
}

fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .with_jitter()
}

/// Feeds until the stream's first failure. `None` if it merely ended.
async fn feed<S>(links: &Links, namespace: Option<&str>, mut events: S) -> Option<watcher::Error>
where
    S: Stream<Item = watcher::Result<Event<ObservedAgent>>> + Unpin,
{
    let mut listing = ShareIndex::default();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => listing = ShareIndex::default(),
            Ok(Event::InitApply(object)) => {
                if let Some(agent) = read(object) {
                    listing.apply(&agent);
                }
            }
            Ok(Event::InitDone) => links.replace(namespace, std::mem::take(&mut listing)),
            Ok(Event::Apply(object)) => {
                let id = AgentId::of(&object);
                match read(object) {
                    Some(agent) => links.apply(&agent),
                    None => links.remove(&id),
                }
            }
            Ok(Event::Delete(object)) => links.remove(&AgentId::of(&object)),
            Err(error) => return Some(error),
        }
    }
    None
}

/// One Agent that cannot be read closes its own link; it must not end the watch,
/// on which every other link's revocation depends.
fn read(object: ObservedAgent) -> Option<Agent> {
    let id = AgentId::of(&object);
    match object.into_agent() {
        Ok(agent) => Some(agent),
        Err(error) => {
            tracing::warn!(agent = %id, error, "cannot read this Agent: its link is closed");
            None
        }
    }
}

#[cfg(test)]
mod tests;
