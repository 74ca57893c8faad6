//! Starts the gateway's parts and serves until the process shall end.

use std::{convert::Infallible, net::IpAddr, sync::Arc, time::Duration};

use daemon::{
    Daemon, DaemonError,
    connect::{Acceptor, Connection},
    http1,
};
use hyper::service::service_fn;
use share::watch::{self, Links};
use tokio_util::sync::CancellationToken;

use crate::{
    args::Args,
    broker::{Broker, BrokerError},
    denials::{self, Denials},
    gateway::Gateway,
};

/// After this long a connection is closed once its request is answered, so that
/// none is held for ever. It does not concern an upgraded one.
const CONNECTION_LIFETIME: Duration = Duration::from_mins(5);
/// How long a client may take for an answer that is under way when its
/// connection shall end.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1);

/// Why the gateway cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("cannot use the cluster's API")]
    Cluster(#[source] Box<kube::Error>),
    #[error("cannot use the terminal broker")]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Daemon(#[from] DaemonError),
}

impl GatewayError {
    /// A stable word for metrics and alerts.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Cluster(_) => "cluster",
            Self::Broker(error) => error.category(),
            Self::Daemon(error) => error.category(),
        }
    }
}

/// Runs the gateway of a cluster.
pub async fn run(args: Args, daemon: Daemon) -> Result<(), GatewayError> {
    let tls = args.tls_dir.as_deref();
    let broker = Broker::new(&args.broker, &args.broker_name, tls).await?;
    let cluster = |error| GatewayError::Cluster(Box::new(error));
    let client = kube::Client::try_default().await.map_err(cluster)?;

    let links = Links::new();
    let follow = watch::follow(client.clone(), links.clone(), daemon.shutdown.clone());
    daemon.spawn_essential("watch", follow);
    daemon.tasks.spawn(ready_when_synced(daemon.clone(), links.clone()));

    let (denials, reports) = Denials::new();
    let publish = denials::publish(client, args.pod_name.clone(), reports, daemon.shutdown.clone());
    daemon.spawn_essential("events", publish);

    let acceptor = daemon.listen("share", args.listen, args.limits.max_connections).await?;
    let gateway = Gateway::new(&args, daemon.clone(), links, broker, denials);
    serve(gateway, acceptor, &daemon).await;
    Ok(())
}

async fn ready_when_synced(daemon: Daemon, links: Links) {
    let gate = daemon.readiness.gate("watch");
    tokio::select! {
        biased;
        () = daemon.shutdown.cancelled() => {}
        () = links.synced() => gate.set_ready(),
    }
}

/// Serves connections until the process shall end.
pub async fn serve(gateway: Arc<Gateway>, acceptor: Acceptor, daemon: &Daemon) {
    let shutdown = daemon.shutdown.clone();
    let handle =
        |connection| serve_connection(Arc::clone(&gateway), connection, shutdown.child_token());
    acceptor.serve(&daemon.tasks, &daemon.shutdown, handle).await;
}

async fn serve_connection(gateway: Arc<Gateway>, connection: Connection, end: CancellationToken) {
    let Connection { stream, peer, slot } = connection;
    let peer: IpAddr = peer.ip();
    let service = service_fn(|request| {
        let response = gateway.answer(peer, request);
        async move { Ok::<_, Infallible>(response) }
    });
    tokio::select! {
        biased;
        () = overdue(&end) => {}
        () = http1::serve_connection(stream, &slot, service, &end) => {}
    }
}

/// Asks the connection to end when its time is over, and waits until it has to.
async fn overdue(end: &CancellationToken) {
    let _ = tokio::time::timeout(CONNECTION_LIFETIME, end.cancelled()).await;
    end.cancel();
    tokio::time::sleep(ANSWER_DEADLINE).await;
}
