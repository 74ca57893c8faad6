//! Two relays in pods, one behind the other, the second in front of the API server.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::PostParams, runtime::wait::await_condition};
use serde_json::json;
use tokio::time::timeout;

use crate::cluster::{PATIENCE, Space};

const PORT: u16 = 7000;

/// Starts both from `image`, and returns where the first listens.
pub(super) async fn start(space: &Space, image: &str) -> Result<SocketAddr> {
    // Kubernetes puts the Service's variables into each pod; kubelet expands them.
    let api_server = "$(KUBERNETES_SERVICE_HOST):$(KUBERNETES_SERVICE_PORT)";
    let behind = relay(space, "relay-b", image, api_server).await?;
    relay(space, "relay-a", image, &behind.to_string()).await
}

async fn relay(space: &Space, name: &str, image: &str, to: &str) -> Result<SocketAddr> {
    let pod: Pod = serde_json::from_value(json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": { "name": name },
        "spec": {
            "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": true,
                "runAsUser": 65532,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "relay",
                "image": image,
                "imagePullPolicy": "IfNotPresent",
                "args": ["relay", "--listen", format!("0.0.0.0:{PORT}"), "--to", to],
                "readinessProbe": { "tcpSocket": { "port": PORT }, "periodSeconds": 1 },
                // As gateway and broker have.
                "resources": { "requests": { "cpu": "50m", "memory": "16Mi" } },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    }))?;
    let pods: Api<Pod> = space.api();
    pods.create(&PostParams::default(), &pod).await?;
    let ready = Box::pin(await_condition(pods, name, is_ready));
    let pod = timeout(PATIENCE, ready).await.with_context(|| format!("{name} is not ready"))??;
    let ip = pod.and_then(|pod| pod.status?.pod_ip).context("a relay without an address")?;
    Ok(SocketAddr::new(ip.parse()?, PORT))
}

fn is_ready(pod: Option<&Pod>) -> bool {
    let conditions = pod.and_then(|pod| pod.status.as_ref()?.conditions.as_ref());
    conditions.is_some_and(|all| all.iter().any(|one| one.type_ == "Ready" && one.status == "True"))
}
