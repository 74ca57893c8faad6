//! A gateway with a fake broker and agents in memory, ready to be visited.

use std::{net::SocketAddr, time::Duration};

use api_types::{Agent, AgentId, ShareToken};
use clap::Parser;
use daemon::{Daemon, tls::PublicCertificate};
use fixtures::{demo, shared};
use gateway::{args::Args, broker::Broker, gateway::Gateway, run::serve};
use http::{Request, Response};
use kube::{Client, client::Body, runtime::events::Reporter};
use prometheus_client::metrics::counter::Counter;
use share::{
    Links,
    audit::{Writer, audit},
};
use time::OffsetDateTime;
use tower_test::mock;

use crate::{fake_broker::FakeBroker, log};

/// Ends tests that would otherwise hang.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// Connections that have not shown a valid token.
pub(crate) const CONNECTIONS_MAX: usize = 64;

pub(crate) struct TestGateway {
    pub(crate) address: SocketAddr,
    pub(crate) links: Links,
    pub(crate) daemon: Daemon,
    pub(crate) broker: FakeBroker,
    /// Nobody runs it: Events wait in its bounded queue.
    _events: Writer,
}

impl TestGateway {
    /// With [`demo`] shared.
    pub(crate) async fn start(flags: &[&str]) -> Self {
        Self::with(flags, Links::with([demo()])).await
    }

    pub(crate) async fn with(flags: &[&str], links: Links) -> Self {
        log::start();
        let broker = FakeBroker::start();
        let address = format!("http://{}", broker.address);
        let usual = ["gateway", "--listen=127.0.0.1:0", "--broker", &address];
        let args = Args::parse_from(usual.iter().chain(flags));

        let daemon = Daemon::new("gateway");
        let client = Broker::new(&args.broker, &args.broker_name, None).await.unwrap();
        let acceptor = daemon.listen("share", args.listen, CONNECTIONS_MAX).await.unwrap();
        let address = acceptor.local_address();
        let (api, _) = mock::pair::<Request<Body>, Response<Body>>();
        let reporter = Reporter { controller: "gateway".to_owned(), instance: None };
        let (audit, events) = audit(Client::new(api, "default"), reporter, &Counter::default());
        let gateway = Gateway::new(&args, daemon.clone(), links.clone(), client, audit);
        let certificate = match &args.serve_tls_dir {
            Some(folder) => Some(PublicCertificate::follow(folder, &daemon).await.unwrap()),
            None => None,
        };

        let serving = daemon.clone();
        daemon.tasks.spawn(async move { serve(gateway, acceptor, certificate, &serving).await });
        Self { address, links, daemon, broker, _events: events }
    }

    /// What the process tells of itself to a scraper.
    pub(crate) fn metrics(&self) -> String {
        self.daemon.metrics.encode().unwrap()
    }

    /// Asks the process to stop, and waits until all its work has ended.
    pub(crate) async fn stop(&self) {
        self.daemon.shutdown.cancel();
        self.daemon.tasks.close();
        tokio::time::timeout(PATIENCE, self.daemon.tasks.wait()).await.expect("work goes on");
    }
}

/// The token of [`demo`].
pub(crate) fn token() -> ShareToken {
    fixtures::token(1)
}

/// The number of [`wrong_token`].
pub(crate) const WRONG: u8 = 9;

/// A token that opens nothing.
pub(crate) fn wrong_token() -> ShareToken {
    fixtures::token(WRONG)
}

/// Where [`demo`]'s link leads, with `rest` behind it.
pub(crate) fn link(rest: &str) -> String {
    format!("/s/{}{rest}", token().expose())
}

pub(crate) fn demo_id() -> AgentId {
    AgentId::of(&demo())
}

pub(crate) fn until(end: OffsetDateTime) -> Agent {
    shared(|share| share.expires_at = Some(end))
}

pub(crate) fn only_from(network: &str) -> Agent {
    shared(|share| share.allowed_ips = vec![network.into()])
}
