//! Builds Kubernetes, etcd, containerd, CoreDNS, the storage provisioner, what enforces network policies, and what tests
//! need beside a cluster, from their Go modules, once, into the cache.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::releases::{self, Release};
use crate::version::Version;
use task::cache::{Built, Key, get_or_build};
use task::paths::repository;
use task::shell::{Cmd, which};
use task::step;

/// The names by which the one binary is called.
const LINKS: [&str; 7] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
];

/// A program's name, and its package as seen from its module.
type Program = (&'static str, &'static str);

const CONTAINERD: [Program; 3] = [
    ("containerd", "github.com/containerd/containerd/v2/cmd/containerd"),
    (SHIM, "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2"),
    ("ctr", "github.com/containerd/containerd/v2/cmd/ctr"),
];

const ADDONS: [Program; 3] = [
    ("coredns", "./coredns"),
    ("pause", "./pause"),
    ("local-path-provisioner", "github.com/rancher/local-path-provisioner"),
];

/// What enforces network policies, in the node's network.
const NETWORK_POLICIES: [Program; 1] = [("network-policies", ".")];

/// It packages, tests and installs the chart, and belongs to no cluster.
const HELM: [Program; 1] = [("helm", "helm.sh/helm/v4/cmd/helm")];

/// A registry for tests: CNCF's own implementation.
const REGISTRY: [Program; 1] = [("registry", ".")];

/// It checks workflows.
const ACTIONLINT: [Program; 1] = [("actionlint", "github.com/rhysd/actionlint/cmd/actionlint")];

const SHIM: &str = "containerd-shim-runc-v2";

/// Linker flags that leave the symbols out.
const STRIP: &str = "-s -w";

/// The folders of finished programs.
pub(super) struct Binaries {
    /// etcd, kube-apiserver, kubectl and so on.
    pub(super) kubernetes: PathBuf,
    /// containerd, its shim and its client.
    pub(super) containerd: PathBuf,
    /// What runs in pods of the cluster's own: coredns, pause, local-path-provisioner.
    pub(super) addons: PathBuf,
    /// network-policies.
    pub(super) network_policies: PathBuf,
}

impl Binaries {
    pub(super) fn containerd_shim(&self) -> PathBuf {
        self.containerd.join(SHIM)
    }
}

pub(super) fn ensure(release: &Release) -> Result<Binaries> {
    let key = toolchain()?;
    Ok(Binaries {
        kubernetes: kubernetes(release, key.clone())?,
        containerd: module("containerd", &CONTAINERD, key.clone())?,
        addons: module("addons", &ADDONS, key.clone())?,
        network_policies: module("network-policies", &NETWORK_POLICIES, key)?,
    })
}

/// The folder of etcd, kube-apiserver, kubectl and so on.
pub(super) fn ensure_kubernetes(release: &Release) -> Result<PathBuf> {
    kubernetes(release, toolchain()?)
}

/// The tests of our own Go modules that have some.
pub fn test() -> Result<()> {
    toolchain()?;
    go(&repository().join("e2e/cluster/network-policies")).args(["test", "./..."]).run()
}

/// Helm's program.
pub fn ensure_helm() -> Result<PathBuf> {
    Ok(module("helm", &HELM, toolchain()?)?.join("helm"))
}

/// A container registry's program.
pub fn ensure_registry() -> Result<PathBuf> {
    Ok(module("registry", &REGISTRY, toolchain()?)?.join("registry"))
}

/// actionlint's program.
pub fn ensure_actionlint() -> Result<PathBuf> {
    Ok(module("actionlint", &ACTIONLINT, toolchain()?)?.join("actionlint"))
}

fn toolchain() -> Result<Key> {
    Ok(Key::new().bytes(go_version()?).bytes(std::env::consts::ARCH))
}

fn kubernetes(release: &Release, key: Key) -> Result<PathBuf> {
    let Release { version, module } = release;
    let source = releases::source();
    let key =
        key.path(module)?.path(&module.with_extension("sum"))?.path(&source.join("main.go"))?;
    built(&format!("kubernetes-{}", version.minor), &format!("Kubernetes {version}"), key, |out| {
        let module = format!("-modfile={}", module.display());
        let flags = [&module, "-ldflags", &version_flags(*version)];
        compile(&source, ".", &out.join("hyperkube"), &flags)?;
        LINKS.iter().try_for_each(|link| Ok(symlink("hyperkube", out.join(link))?))
    })
}

/// The programs of the Go module in the folder `name` beside Kubernetes'.
fn module(name: &str, programs: &[Program], key: Key) -> Result<PathBuf> {
    let source = repository().join("e2e/cluster").join(name);
    let names: Vec<_> = programs.iter().map(|(program, _)| *program).collect();
    built(name, &names.join(", "), key.path(&source)?, |out| {
        let compile = |(program, package): &Program| {
            compile(&source, package, &out.join(program), &["-ldflags", STRIP])
        };
        programs.iter().try_for_each(compile)
    })
}

fn built(
    name: &str,
    title: &str,
    key: Key,
    build: impl FnOnce(&Path) -> Result<()>,
) -> Result<PathBuf> {
    step::run(&format!("{title}, built from Go modules"), |step| {
        let Built { path, origin } = get_or_build(name, key, build)?;
        step.note(origin.note());
        Ok(path)
    })
}

fn compile(source: &Path, package: &str, program: &Path, flags: &[&str]) -> Result<()> {
    go(source)
        .args(["build", "-buildvcs=false", "-trimpath"])
        .args(flags)
        .arg("-o")
        .arg(program)
        .arg(package)
        .run()
}

/// go in the folder of a module, whatever the machine's own settings are.
fn go(source: &Path) -> Cmd {
    Cmd::new("go")
        .current_dir(source)
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
}

/// Where Kubernetes' own build writes its version: <https://github.com/kubernetes/kubernetes/blob/master/hack/lib/version.sh>.
fn version_flags(version: Version) -> String {
    let values = [
        ("gitVersion", format!("v{version}")),
        ("gitMajor", "1".to_owned()),
        ("gitMinor", version.minor.0.to_string()),
        ("gitTreeState", "clean".to_owned()),
    ];
    let packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
    let flags = packages.iter().flat_map(|package| {
        values.iter().map(move |(name, value)| format!(" -X {package}.{name}={value}"))
    });
    STRIP.chars().map(String::from).chain(flags).collect()
}

fn go_version() -> Result<String> {
    if which("go").is_none() {
        bail!(
            "this task builds programs with Go, which is not here: install Go 1.26 or later (https://go.dev/dl)"
        );
    }
    Cmd::new("go").args(["env", "GOVERSION"]).read().context("cannot tell Go's version")
}

/// Puts stable names for what people and this tool call themselves into the folder `names`.
pub(super) fn link(binaries: &Binaries, names: &Path) -> Result<()> {
    // In clusters from before containerd was built here it is a link into the cache, which must not be written to.
    if names.is_symlink() {
        fs::remove_file(names)?;
    }
    fs::create_dir_all(names).with_context(|| names.display().to_string())?;
    for (folder, program) in [(&binaries.kubernetes, "kubectl"), (&binaries.containerd, "ctr")] {
        let (target, name) = (folder.join(program), names.join(program));
        if fs::read_link(&name).is_ok_and(|present| present == target) {
            continue;
        }
        if name.is_symlink() {
            fs::remove_file(&name)?;
        }
        symlink(&target, &name).with_context(|| name.display().to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_point_to_the_programs_of_now_and_nothing_is_written_through_an_older_link() {
        let folder = tempfile::tempdir().unwrap();
        let of = |kubernetes: &str| Binaries {
            kubernetes: folder.path().join(kubernetes),
            containerd: folder.path().join("containerd"),
            addons: folder.path().join("addons"),
            network_policies: folder.path().join("network-policies"),
        };
        let names = folder.path().join("bin");
        fs::create_dir(folder.path().join("old")).unwrap();
        symlink(folder.path().join("old"), &names).unwrap();
        for kubernetes in ["one", "two"] {
            link(&of(kubernetes), &names).unwrap();
            let kubectl = fs::read_link(names.join("kubectl")).unwrap();
            assert_eq!(kubectl, folder.path().join(kubernetes).join("kubectl"));
        }
        assert_eq!(fs::read_dir(folder.path().join("old")).unwrap().count(), 0);
    }

    #[test]
    fn the_version_is_written_into_both_packages() {
        let flags = version_flags("1.37.2".parse().unwrap());
        assert!(
            flags.starts_with("-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 "),
            "{flags}"
        );
        assert!(flags.contains(" -X k8s.io/client-go/pkg/version.gitMinor=37"));
    }
}
