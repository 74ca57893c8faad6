//! Attempts to connect, made in a pod's own network, and pods that do nothing but have one. They need root on the machine that
//! the pod runs on.

use std::{
    fs::File,
    io::ErrorKind,
    net::{IpAddr, SocketAddr, TcpStream},
    os::fd::AsFd,
    sync::Arc,
    thread,
    time::Duration,
};

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::{cluster::Space, pods, processes::Processes, settings};

/// The program that holds a pod's network, in whatever image its containers are.
const HOLDER: &str = "pause";

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Connected,
    Refused,
    /// Nothing came back in time.
    Silence,
}

/// The network of a pod.
#[derive(Clone, Debug)]
pub struct Origin(Arc<File>);

impl Origin {
    pub fn of(pod: &Pod) -> Result<Self> {
        let holder = Processes::of_pods(HOLDER, std::slice::from_ref(pod))?.first()?;
        let network = File::open(format!("/proc/{holder}/ns/net"))?;
        Ok(Self(Arc::new(network)))
    }

    /// Connects, and closes the connection at once.
    pub async fn connect(&self, to: SocketAddr, within: Duration) -> Result<Outcome> {
        let (sender, outcome) = oneshot::channel();
        let network = Arc::clone(&self.0);
        // A thread that ends with it: one that has moved would take another's work along.
        thread::spawn(move || {
            // Who asked may have been cancelled.
            let _ = sender.send(connect_from(&network, to, within));
        });
        outcome.await?
    }
}

fn connect_from(network: &File, to: SocketAddr, within: Duration) -> Result<Outcome> {
    move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network))?;
    match TcpStream::connect_timeout(&to, within) {
        Ok(_) => Ok(Outcome::Connected),
        Err(error) => match error.kind() {
            ErrorKind::ConnectionRefused => Ok(Outcome::Refused),
            ErrorKind::TimedOut => Ok(Outcome::Silence),
            _ => Err(error).with_context(|| to.to_string()),
        },
    }
}

/// A pod that does nothing, and is ready.
pub async fn bystander(space: &Space, name: &str, labels: Value) -> Result<Pod> {
    let pod: Pod = serde_json::from_value(json!({
        "metadata": { "name": name, "labels": labels },
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 1000, "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "idle",
                "image": settings::services()?,
                "imagePullPolicy": "IfNotPresent",
                "command": ["/bin/sleep", "infinity"],
                "securityContext": {
                    "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))?;
    let pods: Api<Pod> = space.api();
    pods.create(&PostParams::default(), &pod).await?;
    pods::wait(space, name, "ready", pods::is_ready).await?;
    Ok(pods.get(name).await?)
}

/// The address of a pod.
pub fn address(pod: &Pod) -> Result<IpAddr> {
    let address = pod.status.as_ref().and_then(|status| status.pod_ip.as_deref());
    Ok(address.context("a pod has no address")?.parse()?)
}
