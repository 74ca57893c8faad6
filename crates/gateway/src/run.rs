//! Starts the gateway's parts and serves until the shutdown.

use std::{convert::Infallible, future::ready, net::IpAddr, sync::Arc, time::Duration};

use daemon::{
    Daemon, DaemonError,
    connect::{Acceptor, Connection},
    http1,
};
use hyper::service::service_fn;
use kube::runtime::events::Reporter;
use share::{Freshness, Links, audit};
use tokio_util::sync::CancellationToken;

use crate::{
    args::Args,
    broker::{Broker, BrokerError},
    gateway::Gateway,
    metrics::events_lost,
};

/// After this long a connection is closed once its request is answered, so that none is held for
/// ever. It does not concern an upgraded one.
const CONNECTION_LIFETIME: Duration = Duration::from_mins(5);
/// How long a client may take for an answer that is under way when its connection is to end.
const ANSWER_DEADLINE: Duration = Duration::from_secs(1);

/// Why the gateway cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error("cannot find the cluster's API")]
    Config(#[source] kube::config::InferConfigError),
    #[error("cannot use the cluster's API")]
    Cluster(#[source] Box<kube::Error>),
    #[error("cannot use the terminal broker")]
    Broker(#[from] BrokerError),
    #[error(transparent)]
    Daemon(#[from] DaemonError),
}

/// Runs the gateway of a cluster.
pub async fn run(args: Args, daemon: Daemon) -> Result<(), GatewayError> {
    let tls = args.tls_dir.as_deref();
    let broker = Broker::new(&args.broker, &args.broker_name, tls).await?;
    let cluster = |error| GatewayError::Cluster(Box::new(error));
    let config = kube::Config::infer().await.map_err(GatewayError::Config)?;
    let client = daemon::cluster::watching(&config, &daemon.metrics).map_err(cluster)?;

    let links = Links::new();
    let follow = share::follow(
        client.clone(),
        args.share.watch_namespaces.clone(),
        links.clone(),
        daemon.shutdown.clone(),
    );
    daemon.spawn_essential("watch", follow);
    daemon.tasks.spawn(report_readiness(daemon.clone(), links.clone(), args.share.stale_grace));

    let instance = args.share.pod_name.clone();
    let reporter = Reporter { controller: "kubeopencode-server".to_owned(), instance };
    let (audit, writer) = audit::audit(client, reporter, &events_lost(&daemon.metrics));
    daemon.spawn_essential("events", writer.run(daemon.shutdown.clone()));

    let acceptor = daemon.listen("share", args.listen, args.limits.max_connections).await?;
    let gateway = Gateway::new(&args, daemon.clone(), links, broker, audit);
    serve(gateway, acceptor, &daemon).await;
    Ok(())
}

/// Keeps the process ready for as long as its links are those of the cluster.
pub async fn report_readiness(daemon: Daemon, links: Links, grace: Duration) {
    let gate = daemon.readiness.gate("watch");
    let reporting = links.report_freshness(grace, move |freshness| {
        match freshness {
            Freshness::Fresh => gate.set_ready(),
            stale => gate.set_unready(stale.to_string()),
        }
        ready(())
    });
    daemon.shutdown.run_until_cancelled(reporting).await;
}

/// Serves connections until the shutdown.
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
        let (gateway, slot) = (Arc::clone(&gateway), slot.clone());
        async move { Ok::<_, Infallible>(gateway.answer(peer, &slot, request).await) }
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
