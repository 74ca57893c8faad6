//! How far the links in memory can be trusted to be those of the cluster. Within a grace an outage
//! of the API server is overlooked; after it nobody new is admitted, and the replica leaves its
//! Service, since another one may still hear the cluster.

use std::{collections::BTreeMap, fmt, future::pending, time::Duration};

use api_types::Namespaces;
use tokio::time::Instant;

use super::Links;

/// The state of the watch of Agents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Watching {
    /// The Agents were never listed.
    Starting,
    Works,
    BrokenSince(Instant),
}

/// The state of each watch, by what it watches; `None` is the whole cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Watches(BTreeMap<Option<String>, Watching>);

impl Watches {
    pub(super) fn of<'a>(
        scopes: impl IntoIterator<Item = Option<&'a str>>,
        state: Watching,
    ) -> Self {
        let owned = scopes.into_iter().map(|scope| scope.map(str::to_owned));
        Self(owned.map(|scope| (scope, state)).collect())
    }

    /// They work where each does, and are broken since the first of them broke. Where one has never
    /// listed its Agents, a link that is not known may be of its namespace.
    fn together(&self) -> Watching {
        let worst = |one: Watching, other: Watching| match (one, other) {
            (Watching::Starting, _) | (_, Watching::Starting) => Watching::Starting,
            (Watching::BrokenSince(one), Watching::BrokenSince(other)) => {
                Watching::BrokenSince(one.min(other))
            }
            (broken @ Watching::BrokenSince(_), Watching::Works)
            | (Watching::Works, broken @ Watching::BrokenSince(_)) => broken,
            (Watching::Works, Watching::Works) => Watching::Works,
        };
        self.0.values().copied().reduce(worst).unwrap_or(Watching::Starting)
    }
}

/// Whether visits may be admitted by the links in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The Agents have not been listed yet: "no such link" means nothing.
    Starting,
    Fresh,
    /// The watch has been broken for longer than the grace.
    Stale,
}

/// What a readiness probe says of it.
impl fmt::Display for Freshness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Starting => "the Agents have not been listed yet",
            Self::Fresh => "the watch of Agents works",
            Self::Stale => "the watch of Agents has been broken for too long",
        })
    }
}

impl Watching {
    fn freshness(self, grace: Duration) -> Freshness {
        match self {
            Self::Starting => Freshness::Starting,
            Self::BrokenSince(since) if since.elapsed() > grace => Freshness::Stale,
            Self::Works | Self::BrokenSince(_) => Freshness::Fresh,
        }
    }

    /// Until time alone makes the links stale.
    async fn grace_over(self, grace: Duration) {
        match self {
            Self::BrokenSince(since) if since.elapsed() <= grace => {
                // A timer fires in the millisecond of its deadline, and stale is later than that.
                tokio::time::sleep_until(since + grace + Duration::from_millis(1)).await;
            }
            _ => pending().await,
        }
    }
}

impl Links {
    /// Whether visits may be admitted, `grace` being how long an outage is overlooked.
    pub fn freshness(&self, grace: Duration) -> Freshness {
        self.watching.borrow().together().freshness(grace)
    }

    pub(crate) fn is_fresh(&self, grace: Duration) -> bool {
        self.freshness(grace) == Freshness::Fresh
    }

    /// For how long the watch has not worked; nothing while it does. `start` is when the process began
    /// to watch.
    pub(crate) fn broken_for(&self, start: Instant) -> Duration {
        match self.watching.borrow().together() {
            Watching::Works => Duration::ZERO,
            Watching::Starting => start.elapsed(),
            Watching::BrokenSince(since) => since.elapsed(),
        }
    }

    /// Whether the watch works at this moment, as far as is known.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.borrow().together() == Watching::Works
    }

    /// Tells the present freshness and each change of it, for ever. Readiness and gRPC health
    /// follow it.
    pub async fn report_freshness(&self, grace: Duration, mut report: impl AsyncFnMut(Freshness)) {
        let mut watching = self.watching.subscribe();
        let mut reported = None;
        loop {
            let now = watching.borrow_and_update().together();
            let freshness = now.freshness(grace);
            if reported.replace(freshness) != Some(freshness) {
                report(freshness).await;
            }
            tokio::select! {
                biased;
                Ok(()) = watching.changed() => {}
                () = now.grace_over(grace) => {}
            }
        }
    }

    /// Tells what is going to be watched, before any of it is.
    pub(super) fn begin(&self, namespaces: &Namespaces) {
        self.watching.send_replace(Watches::of(namespaces.scopes(), Watching::Starting));
    }

    /// Tells that the watch of a namespace, or of all, has listed its Agents.
    pub(super) fn works(&self, namespace: Option<&str>) {
        let scope = namespace.map(str::to_owned);
        self.watching.send_modify(|watches| {
            watches.0.insert(scope, Watching::Works);
        });
    }

    /// Tells that it broke at `now`, unless it was broken before or never worked.
    pub(crate) fn broke(&self, namespace: Option<&str>, now: Instant) {
        let scope = namespace.map(str::to_owned);
        self.watching.send_if_modified(|watches| {
            let watching = watches.0.get_mut(&scope);
            let worked = watching.filter(|watching| **watching == Watching::Works);
            worked.map(|watching| *watching = Watching::BrokenSince(now)).is_some()
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::index::ShareIndex;

    const GRACE: Duration = Duration::from_mins(10);

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_overlooked_for_the_grace_and_no_longer() {
        let links = Links::new();
        links.broke(None, Instant::now());
        assert_eq!(links.freshness(GRACE), Freshness::Starting, "it never worked");

        links.replace(None, ShareIndex::default());
        assert_eq!(links.freshness(GRACE), Freshness::Fresh);

        links.broke(None, Instant::now());
        tokio::time::advance(GRACE / 2).await;
        links.broke(None, Instant::now());
        tokio::time::advance(GRACE / 2).await;
        assert_eq!(links.freshness(GRACE), Freshness::Fresh);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(links.freshness(GRACE), Freshness::Stale, "the first failure counts");
    }

    #[tokio::test(start_paused = true)]
    async fn each_change_of_freshness_is_reported_once() {
        let links = Links::new();
        let reports = Mutex::new(Vec::new());
        let start = Instant::now();
        let reporting = links.report_freshness(GRACE, async |freshness| {
            reports.lock().unwrap().push((freshness, start.elapsed().as_secs()));
        });
        let story = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            links.replace(None, ShareIndex::default());
            tokio::time::sleep(Duration::from_secs(1)).await;
            links.broke(None, Instant::now());
            tokio::time::sleep(GRACE + Duration::from_secs(1)).await;
            links.replace(None, ShareIndex::default());
            tokio::time::sleep(Duration::from_secs(1)).await;
        };
        tokio::select! { () = reporting => {}, () = story => {} }
        let expected = [
            (Freshness::Starting, 0),
            (Freshness::Fresh, 1),
            (Freshness::Stale, 602),
            (Freshness::Fresh, 603),
        ];
        assert_eq!(*reports.lock().unwrap(), expected);
    }
}
