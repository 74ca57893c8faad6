//! Admits viewers and keeps account of their sessions. It decides everything that a caller may not: which
//! pod, which container, which command.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use daemon::clock;
use futures::Stream;
use kube::Client;
use share::{Links, SharedAgent};
use terminal_proto::v1::{AgentReference, AttachRequest, Opened};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;
use uuid::Uuid;

use crate::{
    closing::{Refusal, TooMany},
    counters::Counters,
    exec::{self, Exec},
    journal::{Journal, Sum},
    knowledge::Knowledge,
    link::Standing,
    metrics::BrokerMetrics,
    opening::{Opening, Size},
    pods::FindPod,
    responses::{self, Responses},
    session::Session,
    sessions::{Facts, Sessions},
};

/// What ends a session from outside, and counts its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    pub(crate) close: CancellationToken,
    pub(crate) counters: Arc<Counters>,
}

/// Everything the sessions share. A clone is the same broker.
#[derive(Clone)]
pub(crate) struct Broker {
    pub(crate) links: Links,
    pub(crate) client: Client,
    pub(crate) pods: Arc<dyn FindPod>,
    pub(crate) sessions: Arc<Mutex<Sessions<Handle>>>,
    pub(crate) journal: Journal,
    pub(crate) metrics: BrokerMetrics,
    pub(crate) stale_grace: Duration,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Broker {
    /// Opens a session that reads `requests`; what it says is the stream.
    pub(crate) async fn open<S>(&self, opening: Opening, requests: S) -> Result<Responses, Refusal>
    where
        S: Stream<Item = Result<AttachRequest, Status>> + Unpin + Send + 'static,
    {
        let opened = self.shutdown.run_until_cancelled(self.try_open(opening, requests)).await;
        opened.unwrap_or(Err(Refusal::Draining))
    }

    async fn try_open<S>(&self, opening: Opening, requests: S) -> Result<Responses, Refusal>
    where
        S: Stream<Item = Result<AttachRequest, Status>> + Unpin + Send + 'static,
    {
        let Opening { token, client, size, credit } = opening;
        self.check_links()?;
        let link = token.lookup();
        let (agent, standing) = Standing::admit(&self.links, token, client)?;
        let id = Uuid::new_v4();
        let facts = Facts { id, link, agent: agent.agent.clone(), client, opened_at: clock::now() };
        let place = self.take_place(facts, agent.uid.clone())?;

        let asked = Instant::now();
        let exec = self.exec(&agent, size).await?;
        self.metrics.opened(asked.elapsed());

        let (speaker, responses) = responses::channel(opened(id, &agent));
        let shutdown = self.shutdown.clone();
        let session = Session { place, standing, requests, speaker, exec, size, credit, shutdown };
        self.tasks.spawn(session.run());
        Ok(responses)
    }

    fn check_links(&self) -> Result<(), Refusal> {
        let knowledge = Knowledge {
            synced: self.links.is_synced(),
            stale_for: self.links.stale_for(Instant::now()),
        };
        if knowledge.is_good_enough(self.stale_grace) { Ok(()) } else { Err(Refusal::Stale) }
    }

    fn take_place(&self, facts: Facts, agent_uid: String) -> Result<Place, TooMany> {
        let counters = Arc::new(Counters::new(&self.metrics));
        let handle = Handle { close: CancellationToken::new(), counters };
        self.sessions().add(facts.clone(), handle.clone())?;
        Ok(Place { broker: self.clone(), facts, agent_uid, handle })
    }

    async fn exec(&self, agent: &SharedAgent, size: Size) -> Result<Exec, Refusal> {
        let target = self.pods.find(agent).await.map_err(|error| {
            let category = error.category();
            tracing::warn!(agent = %agent.agent, category, %error, "no pod for a terminal");
            Refusal::Unreachable
        })?;
        exec::open(&self.client, &target, size).await.map_err(|error| {
            let category = error.category();
            tracing::warn!(agent = %agent.agent, pod = target.pod, category, ?error, "no exec for a terminal");
            Refusal::Unreachable
        })
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions<Handle>> {
        // Each change is one insertion or removal, so a panic elsewhere left nothing half done.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opened(id: Uuid, agent: &SharedAgent) -> Opened {
    let agent = &agent.agent;
    let agent = AgentReference { namespace: agent.namespace.clone(), name: agent.name.clone() };
    Opened { session_id: id.to_string(), agent: Some(agent) }
}

/// A session's place among the open ones, free again when dropped.
pub(crate) struct Place {
    broker: Broker,
    facts: Facts,
    agent_uid: String,
    handle: Handle,
}

impl Place {
    pub(crate) fn counters(&self) -> &Counters {
        &self.handle.counters
    }

    pub(crate) async fn closed_by_request(&self) {
        self.handle.close.cancelled().await;
    }

    pub(crate) fn opened(&self) {
        self.broker.journal.opened(&self.facts, &self.agent_uid);
    }

    pub(crate) fn closed(&self, sum: Sum) {
        self.broker.metrics.closed(sum.end);
        self.broker.journal.closed(&self.facts, &self.agent_uid, sum);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.broker.sessions().remove(self.facts.id);
    }
}
