//! Gateway and broker as they run in the cluster: where they are, what they use, how many terminals they allow.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use api_types::names::BROKER_PORT;
use kube::Client;

use super::figures::Usage;
use crate::{pods, processes::Processes};

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
