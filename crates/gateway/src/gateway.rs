//! Answers requests: which route, who may, how often, what. All of it from memory, so an answer
//! never waits, but that to a visitor who wakes an agent; a terminal goes on in a task of its own.

use std::{net::IpAddr, sync::Arc, time::Duration};

use api_types::ShareToken;
use daemon::{Daemon, connect::Slot, traces};
use http::{
    HeaderMap, Method, Request, Response,
    header::{HOST, ORIGIN},
};
use share::{ClientAddress, Links, Visit, Visitor, audit::Audit, capacity::Capacity};
use tracing::Span;

use crate::{
    answer::{Answers, Body, Representation},
    args::Args,
    assets,
    broker::Broker,
    client_address::TrustedProxies,
    error::RequestError,
    limits::Limits,
    metrics::GatewayMetrics,
    origin::{Origin, OwnAddress, may_open},
    router::{Route, route},
    session::Session,
    spans,
    upgrade::handshake,
};

mod admission;
mod proxies;
mod waking;

use proxies::{ProxyCheck, text};

/// Everything that an answer depends on. One for the process.
pub struct Gateway {
    links: Links,
    broker: Broker,
    audit: Audit,
    daemon: Daemon,
    proxies: ProxyCheck,
    trusts_traces: bool,
    allowed_origins: Vec<Origin>,
    stale_grace: Duration,
    /// Where TLS ends here.
    scheme: Option<&'static str>,
    answers: Answers,
    limits: Limits,
    capacity: Capacity,
    metrics: GatewayMetrics,
}

/// Whose request it is, on which connection.
struct Caller<'a> {
    peer: IpAddr,
    client: ClientAddress,
    slot: &'a Slot,
    /// Disabled where the request is not traced.
    span: Span,
}

impl Gateway {
    pub fn new(
        args: &Args,
        daemon: Daemon,
        links: Links,
        broker: Broker,
        audit: Audit,
    ) -> Arc<Self> {
        let metrics = GatewayMetrics::new(&daemon.metrics, &links);
        broker.report(&daemon.metrics);
        Arc::new(Self {
            links,
            broker,
            audit,
            proxies: ProxyCheck::new(TrustedProxies::new(args.trusted_proxies.clone())),
            trusts_traces: args.trust_traceparent,
            allowed_origins: args.allowed_origins.clone(),
            stale_grace: args.share.stale_grace,
            scheme: args.serve_tls_dir.is_some().then_some("https"),
            answers: Answers::new(&args.frame_ancestors),
            limits: Limits::new(&args.limits.requests()),
            capacity: Capacity::new(args.share.limits),
            metrics,
            daemon,
        })
    }

    /// Answers one request of the TCP peer `peer`, whose connection has `slot`.
    pub async fn answer<B>(
        &self,
        peer: IpAddr,
        slot: &Slot,
        mut request: Request<B>,
    ) -> Response<Body> {
        let route = route(request.method(), request.uri().path());
        let name = route.name();
        let form = match route {
            Route::Info(_) | Route::Terminal(_) | Route::Wake(_) => Representation::Json,
            _ => Representation::Html,
        };
        let form = Representation::accepted(request.headers(), form);
        let waits = matches!(route, Route::Page(_)) && form == Representation::Html;

        let client = self.proxies.client(peer, request.headers());
        let span = self.span(&route, peer, request.headers());
        let caller = Caller { peer, client, slot, span };
        let response = match self.respond(route, &caller, &mut request).await {
            Ok(response) => response,
            Err(error) => {
                spans::refusal(&caller.span, &error);
                self.metrics.refused(&error);
                if waits && error.leaves_hope() {
                    self.answers.waiting_page(&error)
                } else {
                    self.answers.refusal(&error, form)
                }
            }
        };
        spans::answered(&caller.span, response.status());
        self.metrics.answered(name, response.status());
        response
    }

    /// Begins a trace where the link exists: whoever guesses costs none. It goes on with that of a
    /// trusted proxy where that was asked for: any other could make us record whatever it likes.
    fn span(&self, route: &Route, peer: IpAddr, headers: &HeaderMap) -> Span {
        let is_known = |token| spans::are_recorded() && self.links.find(token).is_some();
        if !route.token().is_some_and(is_known) {
            return Span::none();
        }
        let span = spans::request(route);
        if self.trusts_traces && self.proxies.trusts(peer) {
            traces::adopt(&span, headers);
        }
        span
    }

    async fn respond<B>(
        &self,
        route: Route,
        caller: &Caller<'_>,
        request: &mut Request<B>,
    ) -> Result<Response<Body>, RequestError> {
        let key = caller.client.ip.into();
        let failed =
            |error| Err(self.limits.failed(key).map_or_else(RequestError::RateLimited, |()| error));
        match route {
            Route::Page(token) => self.admit(token, caller).map(|_| self.answers.page()),
            Route::Info(token) => {
                let (_, visit) = self.admit(token, caller)?;
                Ok(self.answers.info(visit.visitor(), visit.grant().access))
            }
            Route::Terminal(token) => {
                let (token, visit) = self.admit(token, caller)?;
                self.terminal(token, visit, caller, request)
            }
            // Boxed, so that no other answer has to have the room that waiting takes.
            Route::Wake(token) => Box::pin(self.wake(token, caller, request.headers())).await,
            Route::Asset(file) => {
                let Some(asset) = assets::asset(&file) else {
                    return failed(RequestError::NoSuchAddress);
                };
                self.limits.asset(key).map_err(RequestError::RateLimited)?;
                Ok(self.answers.asset(asset, request.headers()))
            }
            Route::Unknown => failed(RequestError::NoSuchAddress),
            Route::MethodNotAllowed(methods) => failed(RequestError::MethodNotAllowed(methods)),
        }
    }

    fn terminal<B>(
        &self,
        token: ShareToken,
        visit: Visit,
        caller: &Caller<'_>,
        request: &mut Request<B>,
    ) -> Result<Response<Body>, RequestError> {
        let headers = request.headers();
        self.check_origin(caller.peer, headers)?;
        if *request.method() != Method::GET {
            return Err(RequestError::NotWebSocket);
        }
        let handshake = handshake(headers)?;
        let Visitor { agent, link, .. } = visit.visitor();
        self.limits.link_opening(*link).map_err(RequestError::RateLimited)?;
        let max_viewers = visit.grant().limits.max_viewers;
        let place = self.capacity.claim(*link, agent, max_viewers)?;
        caller.slot.authenticated().map_err(|_| RequestError::Evicted)?;

        let session = Session {
            token,
            protocol: handshake.protocol,
            broker: self.broker.clone(),
            shutdown: self.daemon.shutdown.clone(),
            counted: self.metrics.terminal(),
            place,
            connection: caller.slot.clone(),
            request: caller.span.clone(),
        };
        let upgrade = hyper::upgrade::on(request);
        self.daemon.tasks.spawn(session.run(visit, upgrade));
        Ok(self.answers.without_body(handshake.response()))
    }

    /// Whether the page that asks, if it is one, may do more than read.
    fn check_origin(&self, peer: IpAddr, headers: &HeaderMap) -> Result<(), RequestError> {
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
        let own = self.own_address(peer, headers);
        let allowed = may_open(origin, own, &self.allowed_origins);
        allowed.then_some(()).ok_or(RequestError::ForeignOrigin)
    }

    /// What the visitor's browser calls us: a proxy's word for it only where that proxy is trusted.
    fn own_address<'a>(&self, peer: IpAddr, headers: &'a HeaderMap) -> OwnAddress<'a> {
        let host = text(headers, &HOST);
        if !self.proxies.trusts(peer) {
            return OwnAddress { host, scheme: self.scheme };
        }
        proxies::own_address(headers, host)
    }
}
