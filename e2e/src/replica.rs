//! The replicas of gateway and broker one by one: which of them serves an open page, and how that one is reached.

use std::net::{IpAddr, SocketAddr};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{Client, ResourceExt};

use crate::{cluster::PATIENCE, pods, processes::Processes, waiting};

/// The gateway's port.
pub const HTTP: u16 = 2746;

/// The metric of gateway and broker that says how many terminals are open there.
const ONE_OPEN: &str = "\nkubeopencode_terminals_open 1\n";

/// One pod of a component, and its program.
#[derive(Clone, Debug)]
pub struct Replica {
    pub address: IpAddr,
    pub processes: Processes,
}

impl Replica {
    /// The one that has the only open terminal of the whole system.
    pub async fn serving(client: &Client, component: &str) -> Result<Self> {
        let what = format!("one {component} has the only terminal");
        let found = waiting::until(&what, PATIENCE, || async {
            let mut serving = Vec::new();
            for pod in pods::list_component(client, component).await? {
                if pods::metrics_of(client, &pod.name_any()).await?.contains(ONE_OPEN) {
                    serving.push(pod);
                }
            }
            Ok(<[Pod; 1]>::try_from(serving).ok())
        });
        let ([pod], _) = found.await?;
        Self::of(component, pod)
    }

    /// Where a gateway is reached without its Service.
    pub fn url(&self) -> String {
        format!("http://{}", SocketAddr::new(self.address, HTTP))
    }

    /// All of them.
    pub async fn all(client: &Client, component: &str) -> Result<Vec<Self>> {
        let pods = pods::list_component(client, component).await?;
        pods.into_iter().map(|pod| Self::of(component, pod)).collect()
    }

    fn of(component: &str, pod: Pod) -> Result<Self> {
        let processes = Processes::of_pods(component, std::slice::from_ref(&pod))?;
        let address =
            pod.status.and_then(|status| status.pod_ip).context("a pod has no address")?;
        Ok(Self { address: address.parse()?, processes })
    }
}
