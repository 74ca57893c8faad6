//! The profile "restricted" of Kubernetes' Pod Security Standards, with "baseline", which it includes, as they are
//! published (v1.34). It reads the manifest of a pod and knows nothing of how ours are made.

use std::collections::BTreeSet;

use serde_json::Value;

/// The controls that the spec of a pod does not meet.
pub(super) fn violations(pod: &Value) -> BTreeSet<&'static str> {
    let contexts = || containers(pod).map(|container| &container["securityContext"]);
    let every_context = || contexts().chain([&pod["securityContext"]]);
    let controls = [
        ("host namespaces", !HOST_NAMESPACES.iter().any(|name| pod[name] == true)),
        ("HostProcess", every_context().all(|one| one["windowsOptions"]["hostProcess"] != true)),
        ("privileged containers", contexts().all(|one| one["privileged"] != true)),
        ("volume types", each(&pod["volumes"]).all(is_allowed_volume)),
        (
            "host ports",
            containers(pod).all(|one| each(&one["ports"]).all(|port| is_unset(&port["hostPort"]))),
        ),
        (
            "host probes",
            containers(pod).flat_map(handlers).all(|handler| is_unset(&handler["host"])),
        ),
        (
            "AppArmor",
            every_context().all(|one| {
                is_unset_or(&one["appArmorProfile"]["type"], &["RuntimeDefault", "Localhost"])
            }),
        ),
        ("SELinux", every_context().all(|one| is_allowed_label(&one["seLinuxOptions"]))),
        ("/proc mount type", contexts().all(|one| is_unset_or(&one["procMount"], &["Default"]))),
        (
            "sysctls",
            each(&pod["securityContext"]["sysctls"]).all(|one| is_unset_or(&one["name"], &SYSCTLS)),
        ),
        ("privilege escalation", contexts().all(|one| one["allowPrivilegeEscalation"] == false)),
        (
            "running as non-root",
            contexts().all(|one| effective(pod, one, "runAsNonRoot") == &Value::Bool(true)),
        ),
        ("running as non-root user", every_context().all(|one| one["runAsUser"] != 0)),
        ("seccomp", is_seccomp_confined(pod)),
        ("capabilities", contexts().all(|one| drops_capabilities(&one["capabilities"]))),
    ];
    controls.into_iter().filter(|(_, is_met)| !is_met).map(|(name, _)| name).collect()
}

const HOST_NAMESPACES: [&str; 3] = ["hostNetwork", "hostPID", "hostIPC"];

const VOLUMES: [&str; 8] = [
    "configMap",
    "csi",
    "downwardAPI",
    "emptyDir",
    "ephemeral",
    "persistentVolumeClaim",
    "projected",
    "secret",
];

const SYSCTLS: [&str; 12] = [
    "kernel.shm_rmid_forced",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_wmem",
];

const LABELS: [&str; 4] =
    ["container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| each(&pod[list]))
}

fn each(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

/// What the kubelet asks or calls for a container.
fn handlers(container: &Value) -> impl Iterator<Item = &Value> {
    let hooks = ["postStart", "preStop"].map(|hook| &container["lifecycle"][hook]);
    let probes = ["startupProbe", "readinessProbe", "livenessProbe"].map(|probe| &container[probe]);
    hooks.into_iter().chain(probes).flat_map(|one| [&one["httpGet"], &one["tcpSocket"]])
}

fn is_unset(value: &Value) -> bool {
    value.is_null() || value == 0 || value == ""
}

fn is_unset_or(value: &Value, allowed: &[&str]) -> bool {
    is_unset(value) || allowed.iter().any(|one| value == one)
}

/// Without a source it is an emptyDir.
fn is_allowed_volume(volume: &Value) -> bool {
    let mut sources = volume.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    sources.all(|source| source == "name" || VOLUMES.contains(&source))
}

fn is_allowed_label(options: &Value) -> bool {
    is_unset_or(&options["type"], &LABELS)
        && is_unset(&options["user"])
        && is_unset(&options["role"])
}

/// A container's own setting, or else its pod's.
fn effective<'a>(pod: &'a Value, context: &'a Value, field: &str) -> &'a Value {
    if context[field].is_null() { &pod["securityContext"][field] } else { &context[field] }
}

fn is_seccomp_confined(pod: &Value) -> bool {
    let is_confined =
        |profile: &Value| profile["type"] == "RuntimeDefault" || profile["type"] == "Localhost";
    let own = &pod["securityContext"]["seccompProfile"];
    let contexts = containers(pod).map(|container| &container["securityContext"]);
    (own.is_null() || is_confined(own))
        && contexts
            .into_iter()
            .all(|context| is_confined(effective(pod, context, "seccompProfile")))
}

fn drops_capabilities(capabilities: &Value) -> bool {
    each(&capabilities["drop"]).any(|one| one == "ALL")
        && each(&capabilities["add"]).all(|one| one == "NET_BIND_SERVICE")
}
