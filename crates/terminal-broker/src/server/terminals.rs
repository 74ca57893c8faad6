//! `TerminalBroker` on the wire: who may not make a call is told so, `Attach` is framed by us, everything else by tonic.

use std::{
    convert::Infallible,
    sync::Arc,
    task::{Context, Poll},
};

use futures::{
    FutureExt,
    future::{BoxFuture, ready},
};
use http::{Request, Response};
use terminal_proto::{MESSAGE_BYTES_MAX, attach, v1::terminal_broker_server::TerminalBrokerServer};
use tonic::{body::Body, server::NamedService};
use tower::Service;

use super::{callers::authorize, service::BrokerService};
use crate::session::{Broker, spans};

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
        if let Err(denied) = authorize(request.uri().path(), request.extensions()) {
            return ready(Ok(denied.into_http())).boxed();
        }
        if request.uri().path() != attach::PATH {
            return self.others.call(request).boxed();
        }
        let service = Arc::clone(&self.service);
        async move {
            let (head, body) = request.into_parts();
            // Only now: what a stranger says of traces counts as little as all else.
            let call = spans::attach(&head.headers);
            Ok(attach::response(service.open(attach::requests(body), &call).await))
        }
        .boxed()
    }
}
