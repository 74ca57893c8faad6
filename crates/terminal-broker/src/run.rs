//! Puts the broker together.

use std::sync::Arc;

use daemon::{Daemon, connect::Acceptor};
use kube::{Client, Config, runtime::events::Reporter};
use share::{Links, audit::audit};
use tonic::transport::ServerTlsConfig;

use crate::{
    Args, BrokerError,
    exec::client,
    metrics::BrokerMetrics,
    server::{self, AllowedCallers},
    session::{Broker, Sessions},
    target::{ClusterPods, FindPod},
};

/// Names this program in logs, metrics and Events.
pub const PROGRAM: &str = "kubeopencode-terminal-broker";

/// What the broker works with that is not its own.
pub struct Parts {
    pub client: Client,
    pub pods: Arc<dyn FindPod>,
    pub links: Links,
    pub acceptor: Acceptor,
    pub tls: ServerTlsConfig,
}

/// Runs the broker in a cluster.
pub async fn run(args: Args, daemon: Daemon) -> Result<(), BrokerError> {
    let folder = args.tls_dir.clone();
    let tls =
        server::load(&folder).map_err(|source| BrokerError::Certificates { folder, source })?;
    let config = Config::infer().await.map_err(BrokerError::Config)?;
    let client = client::build(&config).map_err(BrokerError::Client)?;

    let links = Links::new();
    let watch = share::follow(client.clone(), links.clone(), daemon.shutdown.clone());
    daemon.spawn_essential("watch", watch);
    let acceptor = daemon.listen("grpc", args.listen, args.max_connections()).await?;
    let pods = Arc::new(ClusterPods::new(client.clone()));
    serve(&args, daemon, Parts { client, pods, links, acceptor, tls }).await
}

/// Serves until the daemon's shutdown. Every session has ended when its tasks have.
pub async fn serve(args: &Args, daemon: Daemon, parts: Parts) -> Result<(), BrokerError> {
    let Parts { client, pods, links, acceptor, tls } = parts;
    let callers = AllowedCallers::new(&args.allowed_clients, &args.allowed_operators);
    let callers = callers.ok_or(BrokerError::AllowedNames)?;
    let metrics = daemon.metrics.register(BrokerMetrics::register);
    let (audit, events) = audit(client.clone(), reporter(args), metrics.events_lost());
    daemon.tasks.spawn(events.run(daemon.shutdown.clone()));

    let limits = args.share.limits;
    let broker = Broker {
        links,
        client,
        pods,
        sessions: Sessions::new(limits, audit, metrics.clone()),
        metrics,
        stale_grace: args.share.stale_grace,
        tasks: daemon.tasks.clone(),
        shutdown: daemon.shutdown.clone(),
    };
    let readiness = daemon.readiness.gate("watch");
    server::serve(broker, readiness, acceptor, tls, callers, limits.in_all).await
}

fn reporter(args: &Args) -> Reporter {
    Reporter { controller: PROGRAM.to_owned(), instance: args.share.pod_name.clone() }
}
