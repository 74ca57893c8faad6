//! Whether this broker should be asked: `grpc.health.v1` and readiness say the same. It serves while its
//! links are fresh; stale, it leaves the work to a replica that may still hear the cluster.

use std::future::ready;

use daemon::Gate;
use share::Freshness;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic_health::{
    ServingStatus,
    pb::health_server::{Health, HealthServer},
    server::HealthReporter,
};

use crate::session::Broker;

/// The services whose health is asked for: all, and the one by name.
const SERVICES: [&str; 2] = ["", "kubeopencode.terminal.v1.TerminalBroker"];

/// Follows the broker's links until its shutdown.
pub(super) fn service(broker: &Broker, readiness: Gate) -> HealthServer<impl Health> {
    let (reporter, server) = tonic_health::server::health_reporter();
    let (links, grace, shutdown) = (broker.links.clone(), broker.stale_grace, &broker.shutdown);
    let (tell, told) = watch::channel(Freshness::Starting);
    let reports = async move {
        let tell = move |freshness| {
            tell.send_replace(freshness);
            ready(())
        };
        links.report_freshness(grace, tell).await;
    };
    broker.tasks.spawn(shutdown.clone().run_until_cancelled_owned(reports));
    broker.tasks.spawn(publish(told, reporter, readiness, shutdown.clone()));
    server
}

async fn publish(
    mut told: watch::Receiver<Freshness>,
    reporter: HealthReporter,
    readiness: Gate,
    shutdown: CancellationToken,
) {
    loop {
        let freshness = *told.borrow_and_update();
        match freshness {
            Freshness::Fresh => readiness.set_ready(),
            Freshness::Starting | Freshness::Stale => readiness.set_unready(freshness.to_string()),
        }
        set(&reporter, status(freshness)).await;
        if !matches!(shutdown.run_until_cancelled(told.changed()).await, Some(Ok(()))) {
            return set(&reporter, ServingStatus::NotServing).await;
        }
    }
}

fn status(freshness: Freshness) -> ServingStatus {
    match freshness {
        Freshness::Fresh => ServingStatus::Serving,
        Freshness::Starting | Freshness::Stale => ServingStatus::NotServing,
    }
}

async fn set(reporter: &HealthReporter, status: ServingStatus) {
    for service in SERVICES {
        reporter.set_service_status(service, status).await;
    }
}
