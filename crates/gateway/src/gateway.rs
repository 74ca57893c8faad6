//! Answers requests: which route, how often, who may, what. All of it from
//! memory, so an answer never waits; a terminal goes on in a task of its own.

use std::{net::IpAddr, sync::Arc, time::Duration};

use api_types::ShareToken;
use daemon::{Daemon, clock};
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response,
    header::{HOST, ORIGIN},
};
use hyper::upgrade::OnUpgrade;
use ipnetwork::IpNetwork;
use share::{index::SharedAgent, verdict::Denial, watch::Links};
use tokio::time::Instant;

use crate::{
    answer::{Answers, Body, Representation},
    args::Args,
    assets,
    broker::Broker,
    client_address::{ClientAddress, client_address, judge_visit},
    denials::Denials,
    error::RequestError,
    limits::Limits,
    metrics::GatewayMetrics,
    origin::{Origin, OwnAddress, may_open},
    router::{Presented, Route, route},
    session::{Session, Visit},
    terminals::Terminals,
    upgrade::handshake,
};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Everything that an answer depends on. One for the process.
pub struct Gateway {
    links: Links,
    broker: Broker,
    denials: Denials,
    daemon: Daemon,
    trusted_proxies: Vec<IpNetwork>,
    allowed_origins: Vec<Origin>,
    stale_grace: Duration,
    answers: Answers,
    limits: Limits,
    terminals: Terminals,
    metrics: GatewayMetrics,
}

/// A visit that was let in.
struct Admitted {
    token: ShareToken,
    shared: SharedAgent,
    client: ClientAddress,
}

impl Gateway {
    pub fn new(
        args: &Args,
        daemon: Daemon,
        links: Links,
        broker: Broker,
        denials: Denials,
    ) -> Arc<Self> {
        Arc::new(Self {
            links,
            broker,
            denials,
            trusted_proxies: args.trusted_proxies.clone(),
            allowed_origins: args.allowed_origins.clone(),
            stale_grace: args.stale_grace,
            answers: Answers::new(&args.frame_ancestors),
            limits: Limits::new(&args.limits.requests()),
            terminals: Terminals::new(args.limits.terminals()),
            metrics: GatewayMetrics::new(&daemon.metrics),
            daemon,
        })
    }

    /// Answers one request of the TCP peer `peer`.
    pub fn answer<B>(&self, peer: IpAddr, mut request: Request<B>) -> Response<Body> {
        let route = route(request.method(), request.uri().path());
        let name = route.name();
        let form = match route {
            Route::Info(_) | Route::Terminal(_) => Representation::Json,
            _ => Representation::Html,
        };
        let form = Representation::accepted(request.headers(), form);
        let waits = matches!(route, Route::Page(_)) && form == Representation::Html;

        let response = match self.respond(route, peer, &mut request) {
            Ok(response) => response,
            Err(error) => {
                self.metrics.refused(&error);
                if waits && error.passes_by_itself() {
                    self.answers.waiting_page(&error)
                } else {
                    self.answers.refusal(&error, form)
                }
            }
        };
        self.metrics.answered(name, response.status());
        response
    }

    fn respond<B>(
        &self,
        route: Route,
        peer: IpAddr,
        request: &mut Request<B>,
    ) -> Result<Response<Body>, RequestError> {
        let hops = request.headers().get_all(FORWARDED_FOR);
        let hops: Vec<&[u8]> = hops.iter().map(HeaderValue::as_bytes).collect();
        let client = client_address(peer, &self.trusted_proxies, hops.into_iter());
        self.limits.admit(client.ip).map_err(RequestError::RateLimited)?;

        match route {
            Route::Page(token) => self.admit(token, client).map(|_| self.answers.page()),
            Route::Info(token) => {
                let admitted = self.admit(token, client)?;
                Ok(self.answers.info(&admitted.shared.agent))
            }
            Route::Terminal(token) => self.terminal(self.admit(token, client)?, peer, request),
            Route::Asset(file) => {
                let asset = assets::asset(&file).ok_or(RequestError::NoSuchAddress)?;
                Ok(self.answers.asset(asset, request.headers()))
            }
            Route::Unknown => Err(RequestError::NoSuchAddress),
            Route::MethodNotAllowed => Err(RequestError::MethodNotAllowed),
        }
    }

    /// Judges a visit by what is in memory: a wrong token costs the cluster nothing.
    fn admit(&self, token: Presented, client: ClientAddress) -> Result<Admitted, RequestError> {
        if !self.links.is_synced() || self.is_stale() {
            return Err(RequestError::Stale);
        }
        let found = token.and_then(|token| Some((self.links.find(&token)?, token)));
        let share = found.as_ref().map(|(shared, _)| &shared.share);
        match (judge_visit(share, client, clock::now()), found) {
            (Ok(_), Some((shared, token))) => Ok(Admitted { token, shared, client }),
            (verdict, found) => {
                let denial = verdict.err().unwrap_or(Denial::Unknown);
                self.count_denial(denial, found.as_ref().map(|(shared, _)| shared), client)?;
                Err(denial.into())
            }
        }
    }

    /// An expired token counts as a wrong one, or the limits would tell them apart.
    fn count_denial(
        &self,
        denial: Denial,
        shared: Option<&SharedAgent>,
        client: ClientAddress,
    ) -> Result<(), RequestError> {
        if let (Denial::Expired | Denial::Network, Some(shared)) = (denial, shared) {
            self.denials.count(shared, denial, client.ip);
        }
        match denial {
            Denial::Unknown | Denial::Expired => {
                self.limits.wrong_token(client.ip).map_err(RequestError::RateLimited)
            }
            Denial::Network | Denial::NotReady | Denial::Suspended => Ok(()),
        }
    }

    fn is_stale(&self) -> bool {
        self.links.stale_for(Instant::now()).is_some_and(|stale| stale > self.stale_grace)
    }

    fn terminal<B>(
        &self,
        admitted: Admitted,
        peer: IpAddr,
        request: &mut Request<B>,
    ) -> Result<Response<Body>, RequestError> {
        let headers = request.headers();
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or("null"));
        if !may_open(origin, self.own_address(peer, headers), &self.allowed_origins) {
            return Err(RequestError::ForeignOrigin);
        }
        if *request.method() != Method::GET {
            return Err(RequestError::NotWebSocket);
        }
        let handshake = handshake(headers)?;
        let Admitted { token, shared, client } = admitted;
        let slot = self
            .terminals
            .claim(token.lookup(), shared.agent.clone())
            .map_err(RequestError::TooManyTerminals)?;

        let session = Session {
            visit: Visit { token, agent: shared.agent, client },
            protocol: handshake.protocol,
            links: self.links.clone(),
            broker: self.broker.clone(),
            shutdown: self.daemon.shutdown.clone(),
            counted: self.metrics.session(),
            _slot: slot,
        };
        let upgrade: OnUpgrade = hyper::upgrade::on(request);
        self.daemon.tasks.spawn(session.run(upgrade));
        Ok(self.answers.without_body(handshake.response()))
    }

    /// What the visitor's browser calls us: a proxy's word for it only where that
    /// proxy is trusted.
    fn own_address<'a>(&self, peer: IpAddr, headers: &'a HeaderMap) -> OwnAddress<'a> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let peer = api_types::network::canonical(peer);
        let host = text(HOST);
        if !self.trusted_proxies.iter().any(|network| network.contains(peer)) {
            return OwnAddress { host, scheme: None };
        }
        OwnAddress { host: text(FORWARDED_HOST).or(host), scheme: text(FORWARDED_PROTO) }
    }
}
