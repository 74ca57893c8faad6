//! Builds Kubernetes, etcd, CoreDNS and the storage provisioner from their Go modules, once, into the cache.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::cache::{Built, Key, get_or_build};
use crate::paths::repository;
use crate::shell::{Cmd, which};
use crate::step;

pub(super) const KUBERNETES: &str = "v1.34.4";

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

/// The folders of finished programs.
pub(super) struct Binaries {
    /// etcd, kube-apiserver, kubectl and so on; `local-path-provisioner` and `pause` too.
    pub(super) kubernetes: PathBuf,
    pub(super) coredns: PathBuf,
}

pub(super) fn ensure() -> Result<Binaries> {
    let go = go_version()?;
    let kubernetes =
        step::run(&format!("Kubernetes {KUBERNETES}, built from its Go modules"), |step| {
            let built = build("kubernetes", "hyperkube", &go, kubernetes)?;
            step.note(built.origin.note());
            Ok(built.path)
        })?;
    let coredns = step::run("CoreDNS, built from its Go module", |step| {
        let built = build("coredns", "coredns", &go, |source, out| {
            compile(source, ".", &out.join("coredns"), "-s -w")
        })?;
        step.note(built.origin.note());
        Ok(built.path)
    })?;
    Ok(Binaries { kubernetes, coredns })
}

fn build(
    name: &str,
    module: &str,
    go: &str,
    compile: impl Fn(&Path, &Path) -> Result<()>,
) -> Result<Built> {
    let source = repository().join("e2e/cluster").join(module);
    let key = Key::new().bytes(go).bytes(std::env::consts::ARCH).bytes(KUBERNETES).path(&source)?;
    get_or_build(name, key, |out| compile(&source, out))
}

fn kubernetes(source: &Path, out: &Path) -> Result<()> {
    compile(source, "./cmd/hyperkube", &out.join("hyperkube"), &version_flags())?;
    compile(source, "./cmd/pause", &out.join("pause"), "-s -w")?;
    let provisioner = "github.com/rancher/local-path-provisioner";
    compile(source, provisioner, &out.join("local-path-provisioner"), "-s -w")?;
    LINKS.iter().try_for_each(|link| Ok(symlink("hyperkube", out.join(link))?))
}

fn compile(source: &Path, package: &str, program: &Path, linker_flags: &str) -> Result<()> {
    Cmd::new("go")
        .args(["build", "-buildvcs=false", "-trimpath", "-ldflags", linker_flags, "-o"])
        .arg(program)
        .arg(package)
        .current_dir(source)
        .env("GOWORK", "off")
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "")
        .run()
}

/// Where Kubernetes' own build writes its version: <https://github.com/kubernetes/kubernetes/blob/master/hack/lib/version.sh>.
fn version_flags() -> String {
    let values = [
        ("gitVersion", KUBERNETES),
        ("gitMajor", "1"),
        ("gitMinor", "34"),
        ("gitTreeState", "clean"),
    ];
    let packages = ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"];
    let flags = packages.iter().flat_map(|package| {
        values.iter().map(move |(name, value)| format!(" -X {package}.{name}={value}"))
    });
    "-s -w".chars().map(String::from).chain(flags).collect()
}

fn go_version() -> Result<String> {
    if which("go").is_none() {
        bail!(
            "the standalone cluster is built with Go, which is not here: install Go 1.24 or later (https://go.dev/dl)"
        );
    }
    Cmd::new("go").args(["env", "GOVERSION"]).read().context("cannot tell Go's version")
}

/// Puts a stable name for the folder of programs into the cluster's folder.
pub(super) fn link(binaries: &Binaries, name: &Path) -> Result<()> {
    if fs::read_link(name).is_ok_and(|target| target == binaries.kubernetes) {
        return Ok(());
    }
    if name.is_symlink() {
        fs::remove_file(name)?;
    }
    symlink(&binaries.kubernetes, name).with_context(|| name.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_written_into_both_packages() {
        let flags = version_flags();
        assert!(
            flags.starts_with("-s -w -X k8s.io/component-base/version.gitVersion=v1.34.4 "),
            "{flags}"
        );
        assert!(flags.contains(" -X k8s.io/client-go/pkg/version.gitMinor=34"));
    }
}
