//! Where a cluster's files lie and what its things are called. Everything of a cluster is below one folder, its links, routes and cgroups aside.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use super::subnets::Subnets;
use crate::name::ClusterName;
use crate::version::Minor;

/// The longest path that fits into a unix socket's address, on Linux.
const LONGEST_SOCKET: usize = 107;

/// Folders of the host that the cluster's mount namespace covers with its own: the cluster's folder may not be in one of them.
pub(super) const COVERED: [&str; 3] = ["/run", "/var/lib", "/var/log"];

/// Where the parts of the control plane listen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listeners {
    /// The API server's address; the others listen on loopback.
    pub(super) address: Ipv4Addr,
    pub(super) api_server: u16,
    pub(super) etcd: u16,
    pub(super) etcd_peers: u16,
    pub(super) controller_manager: u16,
}

#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) name: ClusterName,
    /// Whose data the folder holds: a cluster keeps to the minor that it was made with.
    pub(super) kubernetes: Minor,
    pub(super) subnets: Subnets,
    /// The number of [`Subnets`], in the names of links too.
    pub(super) number: u8,
    pub(super) listeners: Listeners,
    folder: PathBuf,
}

/// The folder that holds a folder for each cluster.
pub(super) fn clusters() -> Result<PathBuf> {
    Ok(task::paths::cache()?.join("clusters"))
}

/// The admin's kubeconfig of a cluster, whether or not there is one.
pub(crate) fn kubeconfig(name: &ClusterName) -> Result<PathBuf> {
    Ok(clusters()?.join(name.as_str()).join("admin.kubeconfig"))
}

impl Layout {
    pub(super) fn new(
        clusters: &Path,
        name: &ClusterName,
        kubernetes: Minor,
        number: u8,
    ) -> Result<Self> {
        let folder = clusters.join(name.as_str());
        let subnets = Subnets::numbered(number);
        // In a network of their own they have the ports that everybody knows.
        let listeners = Listeners {
            address: subnets.node().ip(),
            api_server: 6443,
            etcd: 2379,
            etcd_peers: 2380,
            controller_manager: 10257,
        };
        let layout = Self { name: name.clone(), kubernetes, subnets, number, listeners, folder };
        if COVERED.iter().any(|covered| layout.folder.starts_with(covered)) {
            bail!(
                "{}: a cluster cannot live below {}; set XDG_CACHE_HOME",
                layout.folder.display(),
                COVERED.join(", ")
            );
        }
        if layout.containerd_socket().as_os_str().len() > LONGEST_SOCKET {
            bail!(
                "{}: too long for a unix socket; set XDG_CACHE_HOME",
                layout.containerd_socket().display()
            );
        }
        Ok(layout)
    }

    /// Of a control plane without a node, in the network of this machine.
    pub(super) fn without_node(folder: &Path, kubernetes: Minor, listeners: Listeners) -> Self {
        let (number, folder) = (0, folder.to_owned());
        let subnets = Subnets::numbered(number);
        Self { name: ClusterName::default(), kubernetes, subnets, number, listeners, folder }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in the cluster's folder.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.folder.join(relative)
    }

    /// A tmpfs of what must not outlive a boot: namespaces, sockets, what was started.
    pub(super) fn run(&self) -> PathBuf {
        self.path("run")
    }

    pub(super) fn network_namespace(&self) -> PathBuf {
        self.path("run/net")
    }

    pub(super) fn mount_namespace(&self) -> PathBuf {
        self.path("run/mnt")
    }

    pub(super) fn containerd_socket(&self) -> PathBuf {
        self.path("run/containerd.sock")
    }

    pub(super) fn pki(&self, file: &str) -> String {
        self.text(&format!("pki/{file}"))
    }

    pub(super) fn config(&self, file: &str) -> PathBuf {
        self.path("conf").join(file)
    }

    pub(super) fn log(&self, component: &str) -> PathBuf {
        self.path("log").join(format!("{component}.log"))
    }

    pub(super) fn audit_log(&self) -> PathBuf {
        self.path("log/audit.log")
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.path("admin.kubeconfig")
    }

    /// A path in the cluster's folder for a flag or a configuration file. The cache folder's name is UTF-8 in practice.
    pub(super) fn text(&self, relative: &str) -> String {
        self.path(relative).to_string_lossy().into_owned()
    }

    /// The host's end of the veth pair; the kernel takes at most 15 characters.
    pub(super) fn host_link(&self) -> String {
        format!("koc{}", self.number)
    }

    pub(super) fn node(&self) -> &str {
        self.name.as_str()
    }

    pub(super) fn api_server(&self) -> String {
        format!("https://{}:{}", self.listeners.address, self.listeners.api_server)
    }
}

#[cfg(test)]
pub(super) fn demo() -> Layout {
    let clusters = Path::new("/home/dev/.cache/kubeopencode/clusters");
    Layout::new(clusters, &ClusterName::default(), Minor(37), 0).expect("a good path")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_the_cluster_would_cover_or_whose_socket_is_too_long_is_refused() {
        let new = |clusters: &str| {
            Layout::new(Path::new(clusters), &ClusterName::default(), Minor(37), 0)
        };
        assert!(new("/home/dev/.cache/kubeopencode/clusters").is_ok());
        assert!(new("/var/lib/cache").is_err());
        assert!(new(&format!("/{}", "a".repeat(80))).is_err());
    }
}
