//! The gRPC service: requests in, decisions of others out.

use std::time::Duration;

use futures::{Stream, StreamExt, stream::BoxStream};
use prost_types::Timestamp;
use terminal_proto::v1::{
    self, AgentReference, AttachRequest, CloseSessionRequest, CloseSessionResponse,
    ListSessionsRequest, ListSessionsResponse, WakeRequest, WakeResponse, WatchActivityRequest,
    WatchActivityResponse, terminal_broker_server::TerminalBroker,
};
use time::OffsetDateTime;
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};
use tracing::Span;
use uuid::Uuid;

use super::{
    callers::{Role, demand},
    status::{status, wake_status},
    watching,
};
use crate::{
    closing::{Refusal, Violation},
    session::{Broker, SessionInfo, spans},
    viewer::{Opening, Responses},
};

/// How long a caller may take for its first request.
const OPENING_DEADLINE: Duration = Duration::from_secs(10);

/// The `TerminalBroker` service of one broker.
pub(crate) struct BrokerService(pub(crate) Broker);

impl BrokerService {
    /// Opens the terminal that the first of `requests` asks for, which is traced as `call`.
    pub(super) async fn open<S>(&self, mut requests: S, call: &Span) -> Result<Responses, Status>
    where
        S: Stream<Item = Result<AttachRequest, Status>> + Unpin + Send + 'static,
    {
        let responses = match first(&mut requests).await {
            Ok(opening) => self.0.open(opening, requests, call.clone()).await,
            Err(refusal) => Err(refusal),
        };
        responses.map_err(|refusal| {
            call.record("kubeopencode.outcome", refusal.category());
            self.0.metrics.refused(refusal);
            tracing::debug!(reason = refusal.category(), "an opening was refused");
            status(refusal)
        })
    }
}

#[tonic::async_trait]
impl TerminalBroker for BrokerService {
    type AttachStream = Responses;

    /// Not how calls come: [`Terminals`](super::terminals::Terminals) takes them before tonic frames them.
    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Responses>, Status> {
        demand(Role::Gateway, request.extensions())?;
        self.open(request.into_inner(), &Span::none()).await.map(Response::new)
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        demand(Role::Operator, request.extensions())?;
        let ListSessionsRequest { namespace, agent } = request.into_inner();
        let wanted = |session: &SessionInfo| {
            (namespace.is_empty() || namespace == session.agent.namespace)
                && (agent.is_empty() || agent == session.agent.name)
        };
        let open = self.0.sessions.list();
        let sessions = open.iter().filter(|open| wanted(open)).map(session).collect();
        Ok(Response::new(ListSessionsResponse { sessions }))
    }

    async fn close_session(
        &self,
        request: Request<CloseSessionRequest>,
    ) -> Result<Response<CloseSessionResponse>, Status> {
        demand(Role::Operator, request.extensions())?;
        let unknown = || Status::not_found("this broker has no such session");
        let id = Uuid::parse_str(&request.into_inner().session_id).map_err(|_| unknown())?;
        self.0.sessions.close(id).ok_or_else(unknown)?;
        Ok(Response::new(CloseSessionResponse {}))
    }

    async fn wake(&self, request: Request<WakeRequest>) -> Result<Response<WakeResponse>, Status> {
        demand(Role::Gateway, request.extensions())?;
        let call = spans::wake(&request.metadata().clone().into_headers());
        self.0.wake(request.into_inner()).await.map_err(|refusal| {
            call.record("kubeopencode.outcome", refusal.category());
            tracing::debug!(reason = refusal.category(), "an agent was not woken");
            wake_status(refusal)
        })?;
        Ok(Response::new(WakeResponse {}))
    }

    type WatchActivityStream = BoxStream<'static, Result<WatchActivityResponse, Status>>;

    async fn watch_activity(
        &self,
        request: Request<WatchActivityRequest>,
    ) -> Result<Response<Self::WatchActivityStream>, Status> {
        demand(Role::Controller, request.extensions())?;
        let too_many = || Status::resource_exhausted("too many controllers watch this broker");
        let watcher = self.0.sessions.activity().watch().ok_or_else(too_many)?;
        Ok(Response::new(watching::responses(watcher, self.0.shutdown.clone()).boxed()))
    }
}

async fn first<S>(requests: &mut S) -> Result<Opening, Refusal>
where
    S: Stream<Item = Result<AttachRequest, Status>> + Unpin,
{
    let first = timeout(OPENING_DEADLINE, requests.next()).await.map_err(|_| Refusal::Late)?;
    match first {
        Some(Ok(request)) => Opening::parse(request),
        Some(Err(_)) | None => Err(Violation::NotOpened.into()),
    }
}

fn session(open: &SessionInfo) -> v1::Session {
    let SessionInfo { id, agent, client, opened_at, counters, .. } = open;
    v1::Session {
        session_id: id.to_string(),
        agent: Some(AgentReference {
            namespace: agent.namespace.clone(),
            name: agent.name.clone(),
        }),
        client_address: client.to_string(),
        opened_at: Some(timestamp(*opened_at)),
        input_bytes: counters.input(),
        output_bytes: counters.output(),
    }
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    // Nanoseconds of a second fit an i32.
    let nanos = i32::try_from(time.nanosecond()).unwrap_or(0);
    Timestamp { seconds: time.unix_timestamp(), nanos }
}
