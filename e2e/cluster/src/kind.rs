//! Provider `kind`: a cluster in the containers of an engine that is already here.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::name::ClusterName;
use super::version::Wanted;
use super::{Published, audit};
use task::shell::{Cmd, which};
use task::step;

/// The machine has no route to a kind cluster's Services: one port of the node is published on loopback.
pub(super) const PUBLISHED: Published =
    Published { node_port: 30746, address: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 2746) };

/// On the node, and in the API server's pod.
const AUDIT_FOLDER: &str = "/var/log/kubernetes/audit";
const AUDIT_POLICY: &str = "policy.json";
const AUDIT_LOG: &str = "audit.log";

/// Whether kind is installed and a container engine answers.
pub(super) fn works() -> bool {
    let engine =
        |program: &str| which(program).is_some() && Cmd::new(program).arg("info").succeeds();
    which("kind").is_some() && (engine("docker") || engine("podman"))
}

pub(super) fn exists(name: &ClusterName) -> bool {
    let clusters = || Cmd::new("kind").args(["get", "clusters"]).read();
    which("kind").is_some()
        && clusters().is_ok_and(|names| names.lines().any(|line| line == name.as_str()))
}

pub(super) fn kubeconfig(name: &ClusterName) -> Result<PathBuf> {
    Ok(folder()?.join(name.as_str()).with_extension("kubeconfig"))
}

/// The API server's audit log, in a folder that this machine and the node share.
pub(super) fn audit_log(name: &ClusterName) -> Result<PathBuf> {
    Ok(audit_folder(name)?.join(AUDIT_LOG))
}

fn audit_folder(name: &ClusterName) -> Result<PathBuf> {
    Ok(folder()?.join(name.as_str()).with_extension("audit"))
}

fn folder() -> Result<PathBuf> {
    Ok(task::paths::cache()?.join("kind"))
}

/// Without `wanted`, a new cluster is what this kind brings.
pub(super) fn up(name: &ClusterName, wanted: Option<Wanted>) -> Result<()> {
    let image = wanted.map(image).transpose()?;
    let kubeconfig = kubeconfig(name)?;
    fs::create_dir_all(kubeconfig.parent().context("a file is in a folder")?)?;
    if !exists(name) {
        step::run("kind cluster", |_| {
            let audit_folder = audit_folder(name)?;
            fs::create_dir_all(&audit_folder)?;
            fs::write(audit_folder.join(AUDIT_POLICY), audit::policy().to_string())?;
            let create = ["create", "cluster", "--wait", "180s", "--config", "-"];
            let image = image.iter().flat_map(|image| ["--image", image]);
            kind(&create, name)?.args(image).input(config(&audit_folder).to_string()).run()
        })?;
    }
    step::run("kubeconfig", |_| kind(&["export", "kubeconfig"], name)?.run())
}

pub(super) fn down(name: &ClusterName) -> Result<()> {
    step::run("kind cluster deleted", |_| kind(&["delete", "cluster"], name)?.run())?;
    let (kubeconfig, audit_folder) = (kubeconfig(name)?, audit_folder(name)?);
    if kubeconfig.exists() {
        fs::remove_file(kubeconfig)?;
    }
    if audit_folder.exists() { Ok(fs::remove_dir_all(audit_folder)?) } else { Ok(()) }
}

pub(super) fn load_images(name: &ClusterName, archives: &[PathBuf]) -> Result<()> {
    let load = |archive: &PathBuf| {
        Cmd::new("kind").args(["load", "image-archive", "--name", name.as_str()]).arg(archive).run()
    };
    archives.iter().try_for_each(load)
}

/// As kind's `v1alpha4` has it: <https://kind.sigs.k8s.io/docs/user/configuration/>.
fn config(audit_folder: &Path) -> Value {
    let Published { node_port, address } = PUBLISHED;
    let mapping = json!({
        "containerPort": node_port,
        "hostPort": address.port(),
        "listenAddress": address.ip().to_string(),
    });
    json!({
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "kind": "Cluster",
        "nodes": [{
            "role": "control-plane",
            "extraPortMappings": [mapping],
            "extraMounts": [{ "hostPath": audit_folder, "containerPath": AUDIT_FOLDER }],
        }],
        "kubeadmConfigPatches": auditing(),
    })
}

/// The API server's flags, for each of the two formats of kubeadm that kind may use; a patch of the other one is
/// left alone: <https://kind.sigs.k8s.io/docs/user/auditing/>.
fn auditing() -> [String; 2] {
    let flags = [
        ("audit-policy-file", format!("{AUDIT_FOLDER}/{AUDIT_POLICY}")),
        ("audit-log-path", format!("{AUDIT_FOLDER}/{AUDIT_LOG}")),
    ];
    let map = flags.iter().cloned().collect::<BTreeMap<_, _>>();
    let list = flags.iter().map(|(name, value)| json!({ "name": name, "value": value }));
    let patch = |version: &str, flags: Value| {
        json!({
            "apiVersion": format!("kubeadm.k8s.io/{version}"),
            "kind": "ClusterConfiguration",
            "apiServer": {
                "extraArgs": flags,
                "extraVolumes": [{
                    "name": "audit",
                    "hostPath": AUDIT_FOLDER,
                    "mountPath": AUDIT_FOLDER,
                    "pathType": "Directory",
                }],
            },
        })
        .to_string()
    };
    [patch("v1beta3", json!(map)), patch("v1beta4", list.collect())]
}

/// Images of nodes go by whole versions: <https://kind.sigs.k8s.io/docs/user/quick-start/#creating-a-cluster>.
fn image(wanted: Wanted) -> Result<String> {
    let version = wanted.version().with_context(|| {
        format!("kind's nodes go by whole versions: name a release of {wanted} with --kubernetes")
    })?;
    Ok(format!("kindest/node:v{version}"))
}

fn kind(arguments: &[&str], name: &ClusterName) -> Result<Cmd> {
    Ok(Cmd::new("kind")
        .args(arguments)
        .args(["--name", name.as_str(), "--kubeconfig"])
        .arg(kubeconfig(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_a_whole_version_and_a_minor_is_refused() {
        let image = |wanted: &str| image(wanted.parse().unwrap());
        assert_eq!(image("1.34.3").unwrap(), "kindest/node:v1.34.3");
        assert!(image("1.34").is_err());
    }

    #[test]
    fn the_api_server_writes_its_audit_log_where_this_machine_reads_it() {
        let config = config(Path::new("/home/dev/.cache/kind/demo.audit"));
        let mount = &config["nodes"][0]["extraMounts"][0];
        assert_eq!(mount["hostPath"], "/home/dev/.cache/kind/demo.audit");
        for (patch, of_log) in auditing()
            .iter()
            .zip(["/apiServer/extraArgs/audit-log-path", "/apiServer/extraArgs/1/value"])
        {
            let patch: Value = serde_json::from_str(patch).unwrap();
            assert_eq!(patch.pointer(of_log).unwrap(), "/var/log/kubernetes/audit/audit.log");
            let volume = &patch["apiServer"]["extraVolumes"][0];
            assert_eq!(
                (&volume["hostPath"], &volume["mountPath"]),
                (&mount["containerPath"], &mount["containerPath"])
            );
        }
    }
}
