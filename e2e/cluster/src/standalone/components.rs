//! The programs of a cluster and their command lines. Pure.

use std::path::{Path, PathBuf};

use super::binaries::Binaries;
use super::layout::Layout;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Component {
    pub(super) name: &'static str,
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) network: Network,
    /// Configuration files whose content, when it changes, calls for a restart.
    pub(super) reads: Vec<PathBuf>,
}

/// Whose network a component works in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Network {
    Cluster,
    Host,
}

/// What runs before the API server answers.
pub(super) fn foundation(layout: &Layout, binaries: &Binaries) -> [Component; 3] {
    let config = layout.config("containerd.toml");
    let containerd = Component {
        name: "containerd",
        program: binaries.containerd.join("containerd"),
        arguments: vec!["--config".to_owned(), config.to_string_lossy().into_owned()],
        network: Network::Cluster,
        reads: vec![config, layout.config("cni/10-kubeopencode.conflist")],
    };
    let kubernetes = &binaries.kubernetes;
    [containerd, etcd(layout, kubernetes), api_server(layout, kubernetes)]
}

/// What needs the API server.
pub(super) fn clients(layout: &Layout, binaries: &Binaries) -> [Component; 5] {
    let kubernetes = &binaries.kubernetes;
    [
        controller_manager(layout, kubernetes),
        scheduler(layout, kubernetes),
        kubelet(layout, kubernetes),
        proxy(layout, kubernetes),
        network_policies(layout, &binaries.network_policies),
    ]
}

/// etcd and the API server, on loopback and without a node.
pub(super) fn storage_and_api(layout: &Layout, kubernetes: &Path) -> [Component; 2] {
    let mut api_server = api_server(layout, kubernetes);
    api_server.arguments.extend(
        [
            "--bind-address=127.0.0.1",
            // The Service `kubernetes` cannot name an address of loopback.
            "--endpoint-reconciler-type=none",
            // Of some 100,000 requests: what counts them reads one file.
            "--audit-log-maxsize=4000",
        ]
        .map(str::to_owned),
    );
    [etcd(layout, kubernetes), api_server]
}

/// The built-in controllers, without the pace that spares a shared API server.
pub(super) fn controllers(layout: &Layout, kubernetes: &Path) -> Component {
    let mut manager = controller_manager(layout, kubernetes);
    manager.arguments.extend(["--kube-api-qps=500", "--kube-api-burst=1000"].map(str::to_owned));
    manager
}

fn component(binaries: &Path, name: &'static str, arguments: Vec<String>) -> Component {
    let program = binaries.join(name);
    Component { name, program, arguments, network: Network::Cluster, reads: Vec::new() }
}

fn etcd(layout: &Layout, binaries: &Path) -> Component {
    let listeners = &layout.listeners;
    let [clients, peers] =
        [listeners.etcd, listeners.etcd_peers].map(|port| format!("https://127.0.0.1:{port}"));
    let mut arguments = vec![
        // A test bed has nothing to lose that a power cut would take.
        "--unsafe-no-fsync".to_owned(),
        "--client-cert-auth".to_owned(),
        "--peer-client-cert-auth".to_owned(),
        "--name=node".to_owned(),
        format!("--data-dir={}", layout.text("etcd")),
        format!("--listen-client-urls={clients}"),
        format!("--advertise-client-urls={clients}"),
        format!("--listen-peer-urls={peers}"),
        format!("--initial-advertise-peer-urls={peers}"),
        format!("--initial-cluster=node={peers}"),
    ];
    for side in ["", "peer-"] {
        arguments.push(format!("--{side}trusted-ca-file={}", layout.pki("etcd-ca.crt")));
        arguments.push(format!("--{side}cert-file={}", layout.pki("etcd.crt")));
        arguments.push(format!("--{side}key-file={}", layout.pki("etcd.key")));
    }
    component(binaries, "etcd", arguments)
}

fn api_server(layout: &Layout, binaries: &Path) -> Component {
    let pki = |flag: &str, file: &str| format!("--{flag}={}", layout.pki(file));
    let config = |flag: &str, file: &str| format!("--{flag}={}", layout.config(file).display());
    let files = ["admission.json", "authentication.json", "audit-policy.json"];
    let arguments = vec![
        format!("--advertise-address={}", layout.listeners.address),
        format!("--secure-port={}", layout.listeners.api_server),
        format!("--service-cluster-ip-range={}", layout.subnets.services()),
        format!("--etcd-servers=https://127.0.0.1:{}", layout.listeners.etcd),
        pki("etcd-cafile", "etcd-ca.crt"),
        pki("etcd-certfile", "apiserver-etcd-client.crt"),
        pki("etcd-keyfile", "apiserver-etcd-client.key"),
        pki("tls-cert-file", "apiserver.crt"),
        pki("tls-private-key-file", "apiserver.key"),
        pki("client-ca-file", "ca.crt"),
        pki("kubelet-certificate-authority", "ca.crt"),
        pki("kubelet-client-certificate", "apiserver-kubelet-client.crt"),
        pki("kubelet-client-key", "apiserver-kubelet-client.key"),
        "--kubelet-preferred-address-types=InternalIP".to_owned(),
        pki("requestheader-client-ca-file", "front-proxy-ca.crt"),
        "--requestheader-allowed-names=front-proxy-client".to_owned(),
        "--requestheader-extra-headers-prefix=X-Remote-Extra-".to_owned(),
        "--requestheader-group-headers=X-Remote-Group".to_owned(),
        "--requestheader-username-headers=X-Remote-User".to_owned(),
        pki("proxy-client-cert-file", "front-proxy-client.crt"),
        pki("proxy-client-key-file", "front-proxy-client.key"),
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local".to_owned(),
        pki("service-account-key-file", "service-accounts.pub"),
        pki("service-account-signing-key-file", "service-accounts.key"),
        "--authorization-mode=Node,RBAC".to_owned(),
        // The second as OpenShift has it: nothing we install may rely on a milder API server.
        "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement"
            .to_owned(),
        config("admission-control-config-file", files[0]),
        config("authentication-config", files[1]),
        config("audit-policy-file", files[2]),
        format!("--audit-log-path={}", layout.audit_log().display()),
        "--audit-log-maxsize=200".to_owned(),
        "--audit-log-maxbackup=2".to_owned(),
        "--profiling=false".to_owned(),
    ];
    let reads = files.map(|file| layout.config(file)).to_vec();
    Component { reads, ..component(binaries, "kube-apiserver", arguments) }
}

/// With one of each there is nobody to elect, and an election would only end a leader that a busy machine held up.
fn as_user(layout: &Layout, user: &str) -> Vec<String> {
    let kubeconfig = layout.pki(&format!("{user}.kubeconfig"));
    let flags = ["kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig"];
    let mut arguments: Vec<_> = flags.map(|flag| format!("--{flag}={kubeconfig}")).to_vec();
    arguments.extend(["--bind-address=127.0.0.1".to_owned(), "--leader-elect=false".to_owned()]);
    arguments
}

fn controller_manager(layout: &Layout, binaries: &Path) -> Component {
    let pki = |flag: &str, file: &str| format!("--{flag}={}", layout.pki(file));
    let mut arguments = as_user(layout, "controller-manager");
    arguments.extend([
        "--use-service-account-credentials=true".to_owned(),
        pki("service-account-private-key-file", "service-accounts.key"),
        pki("root-ca-file", "ca.crt"),
        pki("cluster-signing-cert-file", "ca.crt"),
        pki("cluster-signing-key-file", "ca.key"),
        pki("client-ca-file", "ca.crt"),
        pki("requestheader-client-ca-file", "front-proxy-ca.crt"),
        format!("--cluster-cidr={}", layout.subnets.pods()),
        "--allocate-node-cidrs=false".to_owned(),
        format!("--secure-port={}", layout.listeners.controller_manager),
    ]);
    component(binaries, "kube-controller-manager", arguments)
}

fn scheduler(layout: &Layout, binaries: &Path) -> Component {
    component(binaries, "kube-scheduler", as_user(layout, "scheduler"))
}

fn kubelet(layout: &Layout, binaries: &Path) -> Component {
    let config = layout.config("kubelet.json");
    let arguments = vec![
        format!("--config={}", config.display()),
        format!("--kubeconfig={}", layout.pki("kubelet.kubeconfig")),
        format!("--root-dir={}", layout.text("kubelet")),
        format!("--hostname-override={}", layout.node()),
        format!("--node-ip={}", layout.subnets.node().ip()),
    ];
    Component { reads: vec![config], ..component(binaries, "kubelet", arguments) }
}

fn proxy(layout: &Layout, binaries: &Path) -> Component {
    let config = layout.config("kube-proxy.json");
    let arguments = vec![format!("--config={}", config.display())];
    Component { reads: vec![config], ..component(binaries, "kube-proxy", arguments) }
}

/// It enforces them, in the node's network.
fn network_policies(layout: &Layout, binaries: &Path) -> Component {
    let arguments = vec![layout.pki("network-policies.kubeconfig")];
    component(binaries, "network-policies", arguments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::layout::demo;

    #[test]
    fn the_api_server_authorizes_by_role_and_keeps_an_audit_log() {
        let arguments = api_server(&demo(), Path::new("/bin")).arguments;
        let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
        assert!(has("--authorization-mode=Node,RBAC"));
        assert!(has("--service-cluster-ip-range=10.180.128.0/17"));
        assert!(has(
            "--audit-log-path=/home/dev/.cache/kubeopencode/clusters/kubeopencode/log/audit.log"
        ));
    }

    #[test]
    fn a_component_is_called_by_its_own_name_so_that_its_process_is_known() {
        let layout = demo();
        let [kubernetes, containerd, addons, network_policies] =
            ["/k", "/c", "/a", "/n"].map(PathBuf::from);
        let binaries = Binaries { kubernetes, containerd, addons, network_policies };
        let foundation = foundation(&layout, &binaries);
        for component in foundation.iter().chain(&clients(&layout, &binaries)) {
            assert!(component.program.ends_with(component.name), "{component:?}");
        }
    }
}
