//! Puts the broker together.

use std::sync::{Arc, Mutex};

use daemon::{Daemon, DaemonError, connect::Acceptor};
use kube::{Client, Config, runtime::events::Reporter};
use share::Links;
use tonic::transport::ServerTlsConfig;

use crate::{
    Args, BrokerError,
    broker::Broker,
    journal::journal,
    kube_client,
    metrics::BrokerMetrics,
    pods::{ClusterPods, FindPod},
    server,
    sessions::Sessions,
    tls::{self, AllowedClients},
};

/// Names this program in logs, metrics and Events.
const PROGRAM: &str = "kubeopencode-terminal-broker";

/// Runs the broker as a process.
pub async fn run(args: Args) -> Result<(), DaemonError> {
    let telemetry = args.telemetry.clone();
    daemon::run(PROGRAM, &telemetry, |daemon| start(args, daemon)).await
}

/// What the broker works with that is not its own.
pub struct Parts {
    pub client: Client,
    pub pods: Arc<dyn FindPod>,
    pub links: Links,
    pub acceptor: Acceptor,
    pub tls: ServerTlsConfig,
}

async fn start(args: Args, daemon: Daemon) -> Result<(), BrokerError> {
    // An error only says that there is a provider already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = args.tls_dir.clone();
    let tls = tls::load(&folder).map_err(|source| BrokerError::Certificates { folder, source })?;
    let config = Config::infer().await.map_err(BrokerError::Config)?;
    let client = kube_client::build(&config).map_err(BrokerError::Client)?;

    let links = Links::new();
    let watch = share::follow(client.clone(), links.clone(), daemon.shutdown.clone());
    daemon.spawn_essential("watch", watch);
    let acceptor = daemon.listen("grpc", args.listen, args.max_connections).await?;
    let pods = Arc::new(ClusterPods::new(client.clone()));
    serve(&args, daemon, Parts { client, pods, links, acceptor, tls }).await
}

/// Serves until the daemon's shutdown. Every session has ended when its tasks have.
pub async fn serve(args: &Args, daemon: Daemon, parts: Parts) -> Result<(), BrokerError> {
    let Parts { client, pods, links, acceptor, tls } = parts;
    let callers = AllowedClients::new(&args.allowed_clients).ok_or(BrokerError::AllowedClients)?;
    let metrics = daemon.metrics.register(BrokerMetrics::register);
    let (journal, events) = journal(client.clone(), reporter(args), metrics.clone());
    daemon.tasks.spawn(events.run(daemon.shutdown.clone()));
    daemon.tasks.spawn(ready_when_synced(daemon.clone(), links.clone()));

    let broker = Broker {
        links,
        client,
        pods,
        sessions: Arc::new(Mutex::new(Sessions::new(args.limits()))),
        journal,
        metrics,
        stale_grace: args.stale_grace,
        tasks: daemon.tasks.clone(),
        shutdown: daemon.shutdown.clone(),
    };
    server::serve(broker, acceptor, tls, callers, args.max_terminals).await
}

fn reporter(args: &Args) -> Reporter {
    match &args.pod_name {
        Some(pod) => Reporter { controller: PROGRAM.to_owned(), instance: Some(pod.clone()) },
        None => PROGRAM.into(),
    }
}

async fn ready_when_synced(daemon: Daemon, links: Links) {
    let gate = daemon.readiness.gate("watch");
    gate.set_unready("the Agents have not been listed yet");
    if daemon.shutdown.run_until_cancelled(links.synced()).await.is_some() {
        gate.set_ready();
    }
}
