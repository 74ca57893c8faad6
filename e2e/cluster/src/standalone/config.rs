//! The configuration files of the components. Pure: each is a value, written as JSON (which is YAML too) or TOML.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};

use super::layout::Layout;
use crate::audit;

pub(super) const PAUSE_IMAGE: &str = "localhost/kubeopencode-cluster/pause:1";

/// Programs that containerd starts, by their paths.
pub(super) struct Plugins<'a> {
    pub(super) cni_folder: &'a Path,
    pub(super) shim: &'a Path,
}

/// Every configuration file: its name and content.
pub(super) fn files(layout: &Layout, plugins: &Plugins<'_>) -> Result<Vec<(&'static str, String)>> {
    let json = |value: Value| serde_json::to_string_pretty(&value);
    let mut files = of_api_server()?;
    files.extend([
        ("containerd.toml", toml::to_string(&containerd(layout, plugins))?),
        ("kubelet.json", json(kubelet(layout))?),
        ("kube-proxy.json", json(kube_proxy(layout))?),
        ("cni/10-kubeopencode.conflist", json(cni(layout))?),
        // Pods with dnsPolicy Default get this; nothing outside could be reached anyway.
        ("resolv.conf", "nameserver 127.0.0.1\n".to_owned()),
    ]);
    Ok(files)
}

/// Those that the API server reads.
pub(super) fn of_api_server() -> Result<Vec<(&'static str, String)>> {
    let json = |value: Value| serde_json::to_string_pretty(&value);
    Ok(vec![
        ("audit-policy.json", json(audit::policy())?),
        ("admission.json", json(admission())?),
        ("authentication.json", json(authentication())?),
    ])
}

/// Version 3 of the format, that of containerd 2.
fn containerd(layout: &Layout, plugins: &Plugins<'_>) -> Value {
    let runc = json!({
        "runtime_type": "io.containerd.runc.v2",
        // By its path: there may be another containerd's in PATH.
        "runtime_path": plugins.shim,
        "options": {"SystemdCgroup": false},
    });
    json!({
        "version": 3,
        "root": layout.text("containerd"),
        "state": layout.text("run/containerd"),
        "oom_score": 0,
        "grpc": {"address": layout.containerd_socket()},
        "plugins": {
            "io.containerd.cri.v1.images": {
                "snapshotter": "overlayfs",
                "pinned_images": {"sandbox": PAUSE_IMAGE},
            },
            "io.containerd.cri.v1.runtime": {
                // Root of a container may lack CAP_SYS_RESOURCE and with it the right to lower a score.
                "restrict_oom_score_adj": true,
                "disable_hugetlb_controller": true,
                "netns_mounts_under_state_dir": true,
                "cni": {"bin_dirs": [plugins.cni_folder], "conf_dir": layout.config("cni")},
                "containerd": {"default_runtime_name": "runc", "runtimes": {"runc": runc}},
            },
            // Plugins of the machine's own containerd are none of the cluster's.
            "io.containerd.nri.v1.nri": {"disable": true},
        },
    })
}

fn kubelet(layout: &Layout) -> Value {
    let plenty =
        ["nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree"];
    let mut eviction: serde_json::Map<String, Value> =
        plenty.into_iter().map(|signal| (signal.to_owned(), json!("1%"))).collect();
    eviction.insert("memory.available".to_owned(), json!("100Mi"));
    json!({
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": false},
            "webhook": {"enabled": true},
            "x509": {"clientCAFile": layout.pki("ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": layout.pki("kubelet-server.crt"),
        "tlsPrivateKeyFile": layout.pki("kubelet-server.key"),
        "containerRuntimeEndpoint": format!("unix://{}", layout.containerd_socket().display()),
        "clusterDNS": [layout.subnets.dns_service()],
        "clusterDomain": "cluster.local",
        "resolvConf": layout.config("resolv.conf"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": format!("/{}", layout.name),
        "failCgroupV1": false,
        "failSwapOn": false,
        "enforceNodeAllocatable": [],
        "oomScoreAdj": 0,
        "seccompDefault": true,
        "evictionHard": eviction,
        // Images come from archives, never from a registry: one that is collected would be gone.
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "imageMaximumGCAge": "0s",
        "podLogsDir": layout.text("pod-logs"),
        "volumePluginDir": layout.text("volume-plugins"),
        "address": "0.0.0.0",
        "healthzBindAddress": "127.0.0.1",
    })
}

fn kube_proxy(layout: &Layout) -> Value {
    json!({
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "hostnameOverride": layout.node(),
        "clientConnection": {"kubeconfig": layout.pki("kube-proxy.kubeconfig")},
        "clusterCIDR": layout.subnets.pods(),
        "bindAddress": layout.subnets.node().ip(),
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        "oomScoreAdj": 0,
        // Zero leaves the kernel's limits alone: they are the host's.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    })
}

fn admission() -> Value {
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AdmissionConfiguration",
        "plugins": [{"name": "PodSecurity", "configuration": {
            "apiVersion": "pod-security.admission.config.k8s.io/v1",
            "kind": "PodSecurityConfiguration",
            "defaults": {
                "enforce": "baseline", "enforce-version": "latest",
                "audit": "restricted", "audit-version": "latest",
                "warn": "restricted", "warn-version": "latest",
            },
            "exemptions": {"usernames": [], "runtimeClasses": [], "namespaces": ["kube-system", "local-path-storage"]},
        }}],
    })
}

fn authentication() -> Value {
    let probes = ["/livez", "/readyz", "/healthz", "/version"].map(|path| json!({"path": path}));
    json!({
        "apiVersion": "apiserver.config.k8s.io/v1",
        "kind": "AuthenticationConfiguration",
        "anonymous": {"enabled": true, "conditions": probes},
    })
}

fn cni(layout: &Layout) -> Value {
    json!({
        "cniVersion": "1.0.0",
        "name": "kubeopencode",
        "plugins": [{
            "type": "ptp",
            "ipMasq": false,
            "mtu": 1500,
            "ipam": {
                "type": "host-local",
                "dataDir": layout.text("addresses"),
                "ranges": [[{"subnet": layout.subnets.pods()}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::layout::demo;

    fn file(name: &str) -> String {
        let plugins = Plugins {
            cni_folder: Path::new("/usr/lib/cni"),
            shim: Path::new("/built/containerd-shim-runc-v2"),
        };
        let files = files(&demo(), &plugins).unwrap();
        files.into_iter().find(|(file, _)| *file == name).unwrap().1
    }

    #[test]
    fn every_path_of_containerd_is_in_the_clusters_own_folder() {
        let toml: toml::Table = toml::from_str(&file("containerd.toml")).unwrap();
        let folder = demo().folder().to_string_lossy().into_owned();
        for path in [&toml["root"], &toml["state"], &toml["grpc"]["address"]] {
            assert!(path.as_str().unwrap().starts_with(&folder), "{path}");
        }
    }

    #[test]
    fn containerd_starts_its_own_shim_and_pulls_no_image_for_a_pods_sandbox() {
        let toml: toml::Table = toml::from_str(&file("containerd.toml")).unwrap();
        let plugins = &toml["plugins"];
        let runc = &plugins["io.containerd.cri.v1.runtime"]["containerd"]["runtimes"]["runc"];
        assert_eq!(runc["options"]["SystemdCgroup"].as_bool(), Some(false));
        assert_eq!(runc["runtime_path"].as_str(), Some("/built/containerd-shim-runc-v2"));
        let pinned = &plugins["io.containerd.cri.v1.images"]["pinned_images"];
        assert_eq!(pinned["sandbox"].as_str(), Some(PAUSE_IMAGE));
    }

    #[test]
    fn kubelet_stays_in_the_clusters_cgroup_and_uses_its_dns() {
        let kubelet: Value = serde_json::from_str(&file("kubelet.json")).unwrap();
        assert_eq!(kubelet["cgroupRoot"], "/kubeopencode");
        assert_eq!(kubelet["clusterDNS"], json!(["10.180.128.10"]));
        assert_eq!(kubelet["evictionHard"]["memory.available"], "100Mi");
    }
}
