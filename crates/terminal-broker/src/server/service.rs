//! The gRPC service: requests in, decisions of others out. Whether a caller may make the call was decided before.

use std::time::Duration;

use futures::{Stream, StreamExt, stream::BoxStream};
use terminal_proto::v1::{
    AttachRequest, CloseSessionRequest, CloseSessionResponse, ListSessionsRequest,
    ListSessionsResponse, WakeRequest, WakeResponse, WatchActivityRequest, WatchActivityResponse,
    terminal_broker_server::TerminalBroker,
};
use tokio::time::timeout;
use tonic::{Request, Response, Status, Streaming};
use tracing::Span;
use uuid::Uuid;

use super::{
    callers,
    listing::{self, Listing},
    status::{status, wake_status},
    watching,
};
use crate::{
    closing::{Dismissal, Refusal, Violation},
    session::{Broker, spans},
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
        self.open(request.into_inner(), &Span::none()).await.map(Response::new)
    }

    async fn list_sessions(
        &self,
        request: Request<ListSessionsRequest>,
    ) -> Result<Response<ListSessionsResponse>, Status> {
        let run = self.0.sessions.run;
        let listing = Listing::parse(request.into_inner(), run).map_err(malformed)?;
        let Listing { after, page_size, .. } = listing;
        let page = self.0.sessions.page(after, page_size, |session| listing.wants(session));
        Ok(Response::new(listing::response(&page, run, &self.0.replica)))
    }

    async fn close_session(
        &self,
        request: Request<CloseSessionRequest>,
    ) -> Result<Response<CloseSessionResponse>, Status> {
        let by = callers::name(request.extensions());
        let CloseSessionRequest { session_id, reason } = request.into_inner();
        let dismissal = Dismissal::new(by, reason).map_err(malformed)?;
        let unknown = || Status::not_found("this broker has no such session");
        let id = Uuid::parse_str(&session_id).map_err(|_| unknown())?;
        self.0.sessions.close(id, dismissal).ok_or_else(unknown)?;
        Ok(Response::new(CloseSessionResponse {}))
    }

    async fn wake(&self, request: Request<WakeRequest>) -> Result<Response<WakeResponse>, Status> {
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
        _: Request<WatchActivityRequest>,
    ) -> Result<Response<Self::WatchActivityStream>, Status> {
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

fn malformed(violation: Violation) -> Status {
    Status::invalid_argument(violation.to_string())
}
