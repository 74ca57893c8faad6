//! The gRPC service: requests in, decisions of others out.

use std::time::Duration;

use futures::StreamExt as _;
use prost_types::Timestamp;
use terminal_proto::v1::{
    self, AgentReference, AttachRequest, CloseSessionRequest, CloseSessionResponse,
    ListSessionsRequest, ListSessionsResponse, terminal_broker_server::TerminalBroker,
};
use time::OffsetDateTime;
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use crate::{
    broker::{Broker, Handle},
    closing::{Refusal, Violation},
    opening::Opening,
    responses::Responses,
    sessions::Facts,
};

/// How long a caller may take for its first request.
const OPENING_DEADLINE: Duration = Duration::from_secs(10);

/// The `TerminalBroker` service of one broker.
pub(crate) struct Service(pub(crate) Broker);

#[tonic::async_trait]
impl TerminalBroker for Service {
    type AttachStream = Responses;

    async fn attach(
        &self,
        request: Request<Streaming<AttachRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let mut requests = request.into_inner();
        let responses = match first(&mut requests).await {
            Ok(opening) => self.0.open(opening, requests).await,
            Err(refusal) => Err(refusal),
        };
        responses.map(Response::new).map_err(|refusal| {
            self.0.metrics.refused(refusal);
            tracing::debug!(reason = refusal.category(), "an opening was refused");
            refusal.into()
        })
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let ListSessionsRequest { namespace, agent } = request.into_inner();
        let wanted = |facts: &Facts| {
            (namespace.is_empty() || namespace == facts.agent.namespace)
                && (agent.is_empty() || agent == facts.agent.name)
        };
        let sessions = self.0.sessions();
        let listed = sessions.list().filter(|(facts, _)| wanted(facts)).map(session);
        Ok(Response::new(ListSessionsResponse { sessions: listed.collect() }))
    }

    async fn close_session(
        &self,
        request: Request<CloseSessionRequest>,
    ) -> Result<Response<CloseSessionResponse>, Status> {
        let unknown = || Status::not_found("this broker has no such session");
        let id = Uuid::parse_str(&request.into_inner().session_id).map_err(|_| unknown())?;
        self.0.sessions().get(id).ok_or_else(unknown)?.close.cancel();
        Ok(Response::new(CloseSessionResponse {}))
    }
}

async fn first(requests: &mut Streaming<AttachRequest>) -> Result<Opening, Refusal> {
    let first = timeout(OPENING_DEADLINE, requests.next()).await.map_err(|_| Refusal::Late)?;
    match first {
        Some(Ok(request)) => Opening::parse(request),
        Some(Err(_)) | None => Err(Violation::NotOpened.into()),
    }
}

fn session((facts, handle): (&Facts, &Handle)) -> v1::Session {
    let agent = &facts.agent;
    v1::Session {
        session_id: facts.id.to_string(),
        agent: Some(AgentReference {
            namespace: agent.namespace.clone(),
            name: agent.name.clone(),
        }),
        client_address: facts.client.to_string(),
        opened_at: Some(timestamp(facts.opened_at)),
        input_bytes: handle.counters.input(),
        output_bytes: handle.counters.output(),
    }
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    // Nanoseconds of a second fit an i32.
    let nanos = i32::try_from(time.nanosecond()).unwrap_or(0);
    Timestamp { seconds: time.unix_timestamp(), nanos }
}
