//! `TerminalBroker` on the wire: `Attach` in our own framing, everything else in tonic's.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, Request, Response};
use terminal_proto::{MESSAGE_BYTES_MAX, attach, v1::terminal_broker_server::TerminalBrokerServer};
use tonic::{Extensions, Status, body::Body, server::NamedService};
use tower::Service;

use super::{
    callers::{Role, demand},
    service::BrokerService,
};
use crate::{
    session::{Broker, spans},
    viewer::Responses,
};

/// The most of a list of sessions or agents, in bytes, some 400 for each: what clients take by default.
const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Serves the calls of one broker.
#[derive(Clone)]
pub(super) struct Terminals {
    service: Arc<BrokerService>,
    others: TerminalBrokerServer<BrokerService>,
}

impl Terminals {
    pub(super) fn new(broker: Broker) -> Self {
        let service = Arc::new(BrokerService(broker));
        let others = TerminalBrokerServer::from_arc(Arc::clone(&service))
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(LIST_BYTES_MAX);
        Self { service, others }
    }
}

impl NamedService for Terminals {
    const NAME: &'static str = TerminalBrokerServer::<BrokerService>::NAME;
}

impl Service<Request<Body>> for Terminals {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        if request.uri().path() != attach::PATH {
            return self.others.call(request).boxed();
        }
        let service = Arc::clone(&self.service);
        async move {
            let (head, body) = request.into_parts();
            let responses = open(&service, &head.headers, &head.extensions, body).await;
            Ok(attach::response(responses))
        }
        .boxed()
    }
}

async fn open(
    service: &BrokerService,
    headers: &HeaderMap,
    extensions: &Extensions,
    body: Body,
) -> Result<Responses, Status> {
    demand(Role::Gateway, extensions)?;
    // Only now: what a stranger says of traces counts as little as all else.
    service.open(attach::requests(body), &spans::attach(headers)).await
}
