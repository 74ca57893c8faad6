//! Puts the broker together.

use std::sync::Arc;

use daemon::{
    Daemon, cluster,
    connect::Acceptor,
    tls::{self, Certificates, MAX_HANDSHAKES},
};
use kube::{Client, Config, runtime::events::Reporter};
use share::{Links, audit::audit};

use crate::{
    Args, BrokerError,
    exec::Trunks,
    metrics::BrokerMetrics,
    server::{self, AllowedCallers, Listening, Role},
    session::{Broker, Sessions},
    target::{ClusterPods, FindPod},
};

/// Names this program in logs, metrics and Events.
pub const PROGRAM: &str = "kubeopencode-terminal-broker";

/// What the broker works with that is not its own.
pub struct Parts {
    /// For execs, which may be quiet for ever.
    pub exec: Client,
    /// For everything else.
    pub client: Client,
    pub pods: Arc<dyn FindPod>,
    pub links: Links,
    pub acceptor: Acceptor,
    pub certificates: Certificates,
}

/// Runs the broker in a cluster.
pub async fn run(args: Args, daemon: Daemon) -> Result<(), BrokerError> {
    let certificates = Certificates::follow(&args.tls_dir, &daemon).await?;
    let config = Config::infer().await.map_err(BrokerError::Config)?;
    let client = cluster::watching(&config, &daemon.metrics).map_err(BrokerError::Client)?;
    let exec = cluster::acting(&config, &daemon.metrics).map_err(BrokerError::Client)?;

    let links = Links::new();
    let watch = share::follow(
        client.clone(),
        args.share.watch_namespaces.clone(),
        links.clone(),
        daemon.shutdown.clone(),
    );
    daemon.spawn_essential("watch", watch);
    // Connections count here until their handshake only.
    let acceptor = daemon.listen("grpc", args.listen, MAX_HANDSHAKES).await?;
    let pods = Arc::new(ClusterPods::new(client.clone()));
    serve(&args, daemon, Parts { exec, client, pods, links, acceptor, certificates }).await
}

/// Serves until the daemon's shutdown. Every session has ended when its tasks have.
pub async fn serve(args: &Args, daemon: Daemon, parts: Parts) -> Result<(), BrokerError> {
    let Parts { exec, client, pods, links, acceptor, certificates } = parts;
    let callers = AllowedCallers::new([
        (&[Role::Attach], &args.allowed_clients),
        (&[Role::List, Role::Close], &args.allowed_operators),
        (&[Role::Watch], &args.allowed_controllers),
    ]);
    let callers = callers.ok_or(BrokerError::AllowedNames)?;
    certificates.report_ends(&daemon.metrics);
    let metrics = daemon.metrics.register(|registry| BrokerMetrics::register(registry, &links));
    let (audit, events) = audit(client, reporter(args), metrics.events_lost());
    daemon.tasks.spawn(events.run(daemon.shutdown.clone()));

    let limits = args.share.limits;
    let sessions = Sessions::new(limits, audit, metrics.clone());
    let replica = args.share.pod_name.clone().unwrap_or_else(|| sessions.run.to_string());
    let (tasks, shutdown) = (daemon.tasks.clone(), daemon.shutdown.clone());
    let trunks = Trunks::new(exec.clone(), metrics.clone(), tasks.clone(), shutdown.clone());
    let broker = Broker {
        replica: replica.into(),
        links,
        exec,
        trunks,
        pods,
        sessions,
        metrics,
        stale_grace: args.share.stale_grace,
        screen_idle: Some(args.screen_idle).filter(|idle| !idle.is_zero()),
        tasks,
        shutdown,
    };
    let readiness = daemon.readiness.gate("watch");
    let listening = Listening {
        established: tls::incoming(acceptor, certificates, &daemon.tasks, &daemon.shutdown),
        callers,
        max_connections: args.max_connections(),
        max_terminals: limits.in_all,
    };
    server::serve(broker, readiness, listening).await
}

fn reporter(args: &Args) -> Reporter {
    Reporter { controller: PROGRAM.to_owned(), instance: args.share.pod_name.clone() }
}
