//! Gateway and broker as they run in the cluster: where they are, what they use, how many terminals they allow.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use api_types::names::{BROKER_PORT, BROKER_SERVICE, SERVER_SERVICE};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use serde_json::{Value, json};

use super::figures::Usage;
use crate::{cluster::PATIENCE, pods, processes::Processes, rollout, waiting};

/// Both programs' processes; empty where they run on another machine.
#[derive(Clone, Debug)]
pub(super) struct Programs {
    gateway: Processes,
    broker: Processes,
}

impl Programs {
    pub(super) async fn find(client: &Client) -> Result<Self> {
        let gateway = Processes::of(client, "gateway").await?;
        Ok(Self { gateway, broker: Processes::of(client, "terminal-broker").await? })
    }

    /// CPU time so far.
    pub(super) fn cpu(&self) -> Usage {
        Usage { gateway: self.gateway.cpu(), broker: self.broker.cpu() }
    }

    /// Resident memory of gateways and brokers, in KiB.
    pub(super) fn resident_kib(&self) -> Option<[u64; 2]> {
        Some([self.gateway.resident_kib()?, self.broker.resident_kib()?])
    }
}

/// One of the brokers.
pub(super) async fn broker(client: &Client) -> Result<SocketAddr> {
    let pods = pods::list_component(client, "terminal-broker").await?;
    let ip = pods.iter().find_map(|pod| pod.status.as_ref()?.pod_ip.as_ref());
    Ok(SocketAddr::new(ip.context("no broker runs")?.parse()?, BROKER_PORT))
}

/// As many terminals as the benchmark wants through one link, from one address, at any rate.
const UNLIMITED: [&str; 9] = [
    "MAX_TERMINALS_PER_LINK",
    "MAX_TERMINALS_PER_AGENT",
    "MAX_TERMINALS",
    "REQUESTS_PER_MINUTE",
    "REQUEST_BURST",
    "LINK_REQUESTS_PER_MINUTE",
    "LINK_REQUEST_BURST",
    "LINK_OPENINGS_PER_MINUTE",
    "LINK_OPENING_BURST",
];

/// With `0s` each session has a terminal and a program of its own.
const SHARED: &str = "SCREEN_IDLE";

/// Whose the terminals are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Terminals {
    /// Of all who come by the same link, as they are installed.
    Shared,
    /// Of one session each.
    Own,
}

/// Lifts the limits of both programs, which restarts them.
pub(super) async fn lift_limits(client: &Client, terminals: Terminals) -> Result<()> {
    let value = |name: &&str| json!({ "name": name, "value": "100000" });
    let own = (terminals == Terminals::Own).then(|| json!({ "name": SHARED, "value": "0s" }));
    set_limits(client, &UNLIMITED.iter().map(value).chain(own).collect::<Vec<_>>()).await
}

/// Takes [`lift_limits`] back.
pub(super) async fn restore_limits(client: &Client) -> Result<()> {
    let gone = |name: &&str| json!({ "name": name, "$patch": "delete" });
    set_limits(client, &UNLIMITED.iter().chain([&SHARED]).map(gone).collect::<Vec<_>>()).await
}

async fn set_limits(client: &Client, variables: &[Value]) -> Result<()> {
    for (name, container) in [(BROKER_SERVICE, "terminal-broker"), (SERVER_SERVICE, "gateway")] {
        rollout::set_variables(client, name, container, variables).await?;
        old_pods_gone(client, container).await?;
    }
    Ok(())
}

/// Whoever looks for a program's processes next must not find those that are about to end.
async fn old_pods_gone(client: &Client, component: &str) -> Result<()> {
    let gone = waiting::until("the old pods are gone", PATIENCE, || async {
        let live = |pod: &Pod| pod.metadata.deletion_timestamp.is_none();
        Ok(pods::list_component(client, component).await?.iter().all(live).then_some(()))
    });
    gone.await.map(|((), _took)| ())
}
