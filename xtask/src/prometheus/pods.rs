//! The system's pods as a file that Prometheus reads, kept as they are for as long as the tests run. The labels are
//! those that a `PodMonitor` of the chart gives.

use std::{
    fs,
    path::Path,
    sync::mpsc::{self, RecvTimeoutError, Sender},
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result};
use api_types::names::SERVER_NAMESPACE;
use k8s_openapi::api::core::v1::Pod;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{cluster::Cluster, shell::Cmd};

/// From one look at the pods to the next. A restarted program is scraped as soon as one that a cluster's Prometheus
/// would be told of.
const INTERVAL: Duration = Duration::from_secs(5);

/// As kubectl prints it, whose kind is List whatever is in it.
#[derive(Deserialize)]
struct Listed {
    items: Vec<Pod>,
}

/// Ends with this.
pub(super) struct Pods {
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Pods {
    /// The first look is taken before this returns.
    pub(super) fn follow(cluster: &Cluster, folder: &Path) -> Result<Self> {
        // Tests stop the API server now and then: what was seen last holds until it answers again.
        let pods = |kubectl: Cmd| {
            let what = ["get", "pods", "--output=json", "--request-timeout=5s", "--namespace"];
            kubectl.args(what).arg(SERVER_NAMESPACE).read()
        };
        let file = folder.join("pods.json");
        let mut written = targets(&pods(cluster.kubectl()?)?)?.to_string();
        fs::write(&file, &written)?;
        let (end, ended) = mpsc::channel();
        let (cluster, new) = (cluster.clone(), folder.join("pods.new"));
        let thread = thread::spawn(move || {
            while ended.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
                let seen = cluster.kubectl().and_then(pods).and_then(|pods| targets(&pods));
                let Ok(seen) = seen.map(|seen| seen.to_string()) else { continue };
                if seen != written && fs::write(&new, &seen).is_ok() {
                    // At once, so that Prometheus never reads half of it. What failed is tried again.
                    written = fs::rename(&new, &file).map(|()| seen).unwrap_or_default();
                }
            }
        });
        Ok(Self { end: Some(end), thread: Some(thread) })
    }
}

impl Drop for Pods {
    fn drop(&mut self) {
        self.end.take();
        if let Some(thread) = self.thread.take() {
            // One that panicked has ended as well.
            let _ = thread.join();
        }
    }
}

/// Each container port of the name that the `PodMonitor` asks for, of pods that have an address and have not ended.
fn targets(list: &str) -> Result<Value> {
    let list: Listed = serde_json::from_str(list).context("pods")?;
    let mut targets = Vec::new();
    for pod in list.items {
        let (spec, status) = (pod.spec.unwrap_or_default(), pod.status.unwrap_or_default());
        let Some(address) = status.pod_ip else { continue };
        if matches!(status.phase.as_deref(), Some("Failed" | "Succeeded")) {
            continue;
        }
        for container in spec.containers {
            let ports = container.ports.into_iter().flatten();
            for port in ports.filter(|port| port.name.as_deref() == Some("metrics")) {
                targets.push(json!({
                    "targets": [format!("{address}:{}", port.container_port)],
                    "labels": {
                        "namespace": pod.metadata.namespace,
                        "pod": pod.metadata.name,
                        "container": container.name,
                        "endpoint": "metrics",
                        "job": format!("{SERVER_NAMESPACE}/kubeopencode"),
                    },
                }));
            }
        }
    }
    Ok(targets.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, phase: &str, status: &Value, port: &str) -> Value {
        let mut status = status.clone();
        status["phase"] = phase.into();
        json!({
            "metadata": { "name": name, "namespace": "kubeopencode-system" },
            "spec": { "containers": [
                { "name": "main", "ports": [{ "name": port, "containerPort": 9090 }] },
                { "name": "beside" },
            ]},
            "status": status,
        })
    }

    #[test]
    fn each_metrics_port_of_a_pod_that_runs_is_a_target_with_the_labels_of_a_pod_monitor() {
        let address = json!({ "podIP": "10.0.0.7" });
        let list = json!({ "apiVersion": "v1", "kind": "List", "metadata": {}, "items": [
            pod("runs", "Running", &address, "metrics"),
            pod("serves-something-else", "Running", &address, "http"),
            pod("has-no-address", "Pending", &json!({}), "metrics"),
            pod("has-ended", "Succeeded", &address, "metrics"),
        ]});
        let expected = json!([{
            "targets": ["10.0.0.7:9090"],
            "labels": {
                "namespace": "kubeopencode-system",
                "pod": "runs",
                "container": "main",
                "endpoint": "metrics",
                "job": "kubeopencode-system/kubeopencode",
            },
        }]);
        assert_eq!(targets(&list.to_string()).unwrap(), expected);
    }
}
