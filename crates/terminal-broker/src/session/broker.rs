//! Admits viewers and starts their sessions. It decides everything that a caller may not: which pod,
//! which container, which command.

use std::{sync::Arc, time::Duration};

use api_types::Access;
use daemon::clock;
use futures::Stream;
use kube::Client;
use screen_wire::{Comes, INPUT_WINDOW_BYTES, Join, Joined, SILENCE_MAX};
use share::{Links, Visit};
use terminal_proto::v1::{AgentReference, AttachRequest, Opened, Resumed};
use tokio::{sync::oneshot, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tonic::Status;
use tracing::Span;

use super::{
    registry::{SessionInfo, SessionSlot, Sessions},
    spans::{self, FirstOutput},
    terminal::Session,
    typist::Typist,
};
use crate::{
    closing::Refusal,
    exec::{self, Connection, ExecError, Screen, Shared, Trunks, Upgrade},
    metrics::BrokerMetrics,
    target::{FindError, FindPod},
    viewer::{self, Opening, Responses},
};

/// How long a denial is waited out that the next event of the watch may lift: the gateway may have
/// heard of a new link before this broker.
pub(super) const ADMISSION_PATIENCE: Duration = Duration::from_secs(2);

/// Everything the sessions share. A clone is the same broker.
#[derive(Clone)]
pub(crate) struct Broker {
    /// Names this broker among all of them.
    pub(crate) replica: Arc<str>,
    pub(crate) links: Links,
    pub(crate) exec: Client,
    pub(crate) trunks: Trunks,
    pub(crate) pods: Arc<dyn FindPod>,
    pub(crate) sessions: Sessions,
    pub(crate) metrics: BrokerMetrics,
    pub(crate) stale_grace: Duration,
    /// How long a link's terminal goes on without viewers, if they share one.
    pub(crate) screen_idle: Option<Duration>,
    pub(crate) tasks: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

impl Broker {
    /// Opens a session that reads `requests`; what it says is the stream. The opening is traced as
    /// `call`.
    pub(crate) async fn open<S>(
        &self,
        opening: Opening,
        requests: S,
        call: Span,
    ) -> Result<Responses, Refusal>
    where
        S: Stream<Item = Result<AttachRequest, Status>> + Unpin + Send + 'static,
    {
        let opened =
            self.shutdown.run_until_cancelled(self.try_open(opening, requests, call)).await;
        opened.unwrap_or(Err(Refusal::Draining))
    }

    async fn try_open<S>(
        &self,
        opening: Opening,
        requests: S,
        call: Span,
    ) -> Result<Responses, Refusal>
    where
        S: Stream<Item = Result<AttachRequest, Status>> + Unpin + Send + 'static,
    {
        let verdict = spans::verdict(&call);
        let judged = self.admit(&opening).await;
        spans::judged(&verdict, &judged);
        drop(verdict);
        let (visit, slot) = judged?;
        spans::admitted(&call, slot.info());

        // In a task of its own: a caller that gives up meanwhile must not take the slot with it while
        // an exec is under way.
        let (tell, told) = oneshot::channel();
        let (broker, shutdown) = (self.clone(), self.shutdown.clone());
        self.tasks.spawn(async move {
            let access = visit.grant().access;
            let started = broker.start(&opening, access, &slot, &call);
            let Started { connection, resumed } = match shutdown.run_until_cancelled(started).await
            {
                Some(Ok(started)) => started,
                Some(Err(error)) => return broker.not_started(&error, slot, call, tell).await,
                None => return,
            };
            let (joined, typist) = resumed.unzip();
            let (responses, stream) = viewer::channel(opened(&slot, joined));
            // An error says that the caller gave up: the session will notice.
            let _ = tell.send(Ok(stream));
            let (output, first) = (opening.output, FirstOutput::of(call));
            let session = Session {
                slot,
                visit,
                requests,
                responses,
                connection,
                output,
                typist,
                first,
                shutdown,
            };
            session.run().await;
        });
        told.await.unwrap_or(Err(Refusal::Unreachable))
    }

    /// Whether the visitor may, and has a place.
    async fn admit(&self, opening: &Opening) -> Result<(Visit, SessionSlot), Refusal> {
        let Opening { token, client, .. } = opening;
        let admit = || Visit::admit(&self.links, token, *client, self.stale_grace, clock::now);
        let admitted = self.links.admit_within(ADMISSION_PATIENCE, admit);
        let (visit, _until_it_changes) = admitted.await?;
        let slot = self.sessions.claim(&visit)?;
        Ok((visit, slot))
    }

    async fn start(
        &self,
        opening: &Opening,
        access: Access,
        slot: &SessionSlot,
        call: &Span,
    ) -> Result<Started, NotStarted> {
        let asked = Instant::now();
        let finding = spans::find_pod(call);
        let found = self.pods.find(&slot.info().agent).await;
        let target = found.inspect_err(|error| spans::failed(&finding, error.category()))?;
        spans::found(&finding, &target);
        drop(finding);

        let joins = opening.join.map(|join| (join, admitted(join, access)));
        let passed = joins.map(|(_, passed)| passed);
        let link = &slot.info().link_name;
        let screen = Screen {
            size: opening.size,
            window_bytes: opening.output.window_bytes(),
            encoding: opening.encoding,
            shared: self.screen_idle.map(|idle| Shared {
                link: link.clone(),
                idle,
                comes: Comes::Alone(passed),
            }),
        };
        let starting = spans::exec(call, &target);
        let opened = exec::open(&self.exec, &self.trunks, &target, &screen).await;
        let opened = opened.inspect_err(|error| spans::failed(&starting, error.category()))?;
        drop(starting);
        self.metrics.opened(asked.elapsed(), call);
        let resumed = opened.joined.zip(joins);
        let resumed =
            resumed.map(|(joined, (asked, passed))| (joined, Typist::new(&asked, &passed, joined)));
        Ok(Started { connection: opened.connection, resumed })
    }

    /// Tells the caller. The slot is kept where a screen may have started nevertheless, until that
    /// must have left for want of a viewer.
    async fn not_started(&self, error: &NotStarted, slot: SessionSlot, call: Span, tell: Tell) {
        let (agent, category) = (&slot.info().agent, error.category());
        self.metrics.not_started(category);
        spans::failed(&call, category);
        drop(call);
        tracing::warn!(%agent, category, ?error, "cannot open a terminal");
        let _ = tell.send(Err(Refusal::Unreachable));
        if matches!(error, NotStarted::Exec(error) if error.may_have_started()) {
            self.shutdown.run_until_cancelled(tokio::time::sleep(SILENCE_MAX)).await;
        }
    }
}

type Tell = oneshot::Sender<Result<Responses, Refusal>>;

/// An open exec.
struct Started {
    connection: Connection<Upgrade>,
    /// The answer to a viewer that may come again, and how far it is.
    resumed: Option<(Joined, Typist)>,
}

/// Why there is no exec.
#[derive(Debug, thiserror::Error)]
enum NotStarted {
    #[error(transparent)]
    Find(#[from] FindError),
    #[error(transparent)]
    Exec(#[from] ExecError),
}

impl NotStarted {
    fn category(&self) -> &'static str {
        match self {
            Self::Find(error) => error.category(),
            Self::Exec(error) => error.category(),
        }
    }
}

/// What the screen is told of who comes.
fn admitted(join: Join, access: Access) -> Join {
    match access {
        Access::Interact => join,
        Access::View => join.looking(),
    }
}

fn opened(slot: &SessionSlot, joined: Option<Joined>) -> Opened {
    let SessionInfo { id, agent, .. } = slot.info();
    let agent = AgentReference { namespace: agent.namespace.clone(), name: agent.name.clone() };
    let input_window_bytes = u32::try_from(INPUT_WINDOW_BYTES).unwrap_or(u32::MAX);
    let resumed = joined.map(|Joined { terminal, typed }| Resumed { terminal, typed });
    Opened { session_id: id.to_string(), agent: Some(agent), input_window_bytes, resumed }
}

#[cfg(test)]
mod tests;
