//! Every certificate, key and kubeconfig of a cluster, made once in its `pki` folder.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::Result;
use pki::{Authority, Identity, Period, Subject, Usage, key_pair};
use time::{Duration, OffsetDateTime};

use super::layout::Layout;
use super::{files, kubeconfig};

/// Of everything that is made here: a cluster of tests does not grow old.
const VALIDITY: Duration = Duration::days(3650);

/// Who the components are to the API server. The names are those its bootstrap RBAC policy knows.
const USERS: [User; 5] = [
    ("admin", "kubernetes-admin", Some("system:masters")),
    ("controller-manager", "system:kube-controller-manager", None),
    ("scheduler", "system:kube-scheduler", None),
    ("kube-proxy", "system:kube-proxy", None),
    // Of ours: e2e/cluster/manifests/rbac.yaml.
    ("network-policies", "kubeopencode:network-policies", None),
];

/// The file, the name and the organization.
type User = (&'static str, &'static str, Option<&'static str>);

/// Makes the folder if it is not there, which appears whole or not at all, and the users that it lacks.
pub(super) fn ensure(layout: &Layout, now: OffsetDateTime) -> Result<()> {
    let (folder, partial) = (layout.path("pki"), layout.path("pki.partial"));
    if !folder.exists() {
        if partial.exists() {
            fs::remove_dir_all(&partial)?;
        }
        fs::create_dir(&partial)?;
        create(layout, &partial, Period::new(now, VALIDITY))?;
        fs::rename(&partial, &folder)?;
    }
    users(layout, &folder, Period::new(now, VALIDITY))?;
    files::write(&layout.kubeconfig(), &fs::read(folder.join("admin.kubeconfig"))?)
}

fn create(layout: &Layout, folder: &Path, period: Period) -> Result<()> {
    let cluster = Authority::new("kubernetes", period)?;
    write_identity(folder, "ca", &cluster.identity)?;
    etcd(folder, period)?;
    front_proxy(folder, period)?;
    servers(layout, folder, &cluster, period)?;
    let (private, public) = key_pair()?;
    files::write(&folder.join("service-accounts.key"), private.as_bytes())?;
    files::write(&folder.join("service-accounts.pub"), public.as_bytes())?;
    let node = format!("system:node:{}", layout.node());
    let kubelet = Subject { name: &node, organization: Some("system:nodes"), ..Subject::default() };
    user(layout, folder, &cluster, "kubelet", &kubelet, period)
}

/// The users that are not there yet: an older cluster may lack some.
fn users(layout: &Layout, folder: &Path, period: Period) -> Result<()> {
    let read = |file: &str| fs::read_to_string(folder.join(file));
    let cluster = Authority::load(Identity { certificate: read("ca.crt")?, key: read("ca.key")? })?;
    let is_missing = |(file, ..): &User| !folder.join(format!("{file}.kubeconfig")).exists();
    for (file, name, organization) in USERS.into_iter().filter(is_missing) {
        let subject = Subject { name, organization, ..Subject::default() };
        user(layout, folder, &cluster, file, &subject, period)?;
    }
    Ok(())
}

fn etcd(folder: &Path, period: Period) -> Result<()> {
    let authority = Authority::new("etcd", period)?;
    files::write(&folder.join("etcd-ca.crt"), authority.identity.certificate.as_bytes())?;
    let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST)];
    let server =
        Subject { name: "etcd", dns: &["localhost"], addresses: &addresses, ..Subject::default() };
    write_identity(folder, "etcd", &authority.issue(&server, Usage::Both, period)?)?;
    let client = Subject { name: "kube-apiserver", ..Subject::default() };
    write_identity(
        folder,
        "apiserver-etcd-client",
        &authority.issue(&client, Usage::Client, period)?,
    )
}

fn front_proxy(folder: &Path, period: Period) -> Result<()> {
    let authority = Authority::new("front-proxy", period)?;
    files::write(&folder.join("front-proxy-ca.crt"), authority.identity.certificate.as_bytes())?;
    let client = Subject { name: "front-proxy-client", ..Subject::default() };
    write_identity(folder, "front-proxy-client", &authority.issue(&client, Usage::Client, period)?)
}

fn servers(layout: &Layout, folder: &Path, cluster: &Authority, period: Period) -> Result<()> {
    let node = IpAddr::from(layout.subnets.node().ip());
    let addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), node, layout.subnets.api_service().into()];
    let api_server = Subject {
        name: "kube-apiserver",
        dns: &API_NAMES,
        addresses: &addresses,
        organization: None,
    };
    write_identity(folder, "apiserver", &cluster.issue(&api_server, Usage::Server, period)?)?;
    let to_kubelet = Subject { name: "kube-apiserver-kubelet-client", ..Subject::default() };
    write_identity(
        folder,
        "apiserver-kubelet-client",
        &cluster.issue(&to_kubelet, Usage::Client, period)?,
    )?;
    let kubelet = Subject {
        name: layout.node(),
        dns: &[layout.node()],
        addresses: &addresses[..2],
        organization: None,
    };
    write_identity(folder, "kubelet-server", &cluster.issue(&kubelet, Usage::Server, period)?)
}

/// Under these names pods reach the API server.
const API_NAMES: [&str; 5] = [
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
];

fn user(
    layout: &Layout,
    folder: &Path,
    cluster: &Authority,
    file: &str,
    subject: &Subject<'_>,
    period: Period,
) -> Result<()> {
    let identity = cluster.issue(subject, Usage::Client, period)?;
    let authority = &cluster.identity.certificate;
    let text = kubeconfig::render(
        layout.name.as_str(),
        &layout.api_server(),
        authority,
        subject.name,
        &identity,
    )?;
    files::write(&folder.join(format!("{file}.kubeconfig")), text.as_bytes())
}

fn write_identity(folder: &Path, name: &str, identity: &Identity) -> Result<()> {
    files::write(&folder.join(format!("{name}.crt")), identity.certificate.as_bytes())?;
    files::write(&folder.join(format!("{name}.key")), identity.key.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::standalone::layout::demo;
    use crate::version::Minor;

    #[test]
    fn a_cluster_of_before_gets_the_user_that_it_lacks_and_keeps_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let layout = Layout::without_node(folder.path(), Minor(37), demo().listeners);
        let [admin, ours] = ["admin", "network-policies"]
            .map(|user| layout.path("pki").join(format!("{user}.kubeconfig")));
        ensure(&layout, OffsetDateTime::UNIX_EPOCH).unwrap();
        let before = fs::read(&admin).unwrap();
        fs::remove_file(&ours).unwrap();
        ensure(&layout, OffsetDateTime::UNIX_EPOCH).unwrap();
        assert!(ours.exists());
        assert_eq!(fs::read(&admin).unwrap(), before);
    }
}
