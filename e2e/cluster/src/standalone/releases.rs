//! The releases of Kubernetes that can be built here: one `.mod` file for each in `e2e/cluster/hyperkube`, with its
//! checksums beside it. The newest is `go.mod`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::version::{Version, Wanted};
use task::paths::repository;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Release {
    pub(super) version: Version,
    /// The Go module's description, which pins every version.
    pub(super) module: PathBuf,
}

/// The folder of the sources that all releases share.
pub(super) fn source() -> PathBuf {
    repository().join("e2e/cluster/hyperkube")
}

/// The release that was asked for, else the newest.
pub(super) fn choose(wanted: Option<Wanted>) -> Result<Release> {
    pick(all(&source())?, wanted)
}

fn pick(releases: Vec<Release>, wanted: Option<Wanted>) -> Result<Release> {
    let Some(wanted) = wanted else {
        return releases.into_iter().next_back().context("no Kubernetes can be built here");
    };
    let there: Vec<_> = releases.iter().map(|release| release.version.to_string()).collect();
    match releases.into_iter().find(|release| wanted.accepts(release.version)) {
        Some(release) => Ok(release),
        None => bail!("Kubernetes {wanted} cannot be built here, but {}", there.join(" and ")),
    }
}

/// From the oldest to the newest.
fn all(source: &Path) -> Result<Vec<Release>> {
    let mut releases = Vec::new();
    for entry in fs::read_dir(source).with_context(|| source.display().to_string())? {
        let module = entry?.path();
        if module.extension().is_some_and(|extension| extension == "mod") {
            let text = fs::read_to_string(&module)?;
            let version = version(&text).with_context(|| module.display().to_string())?;
            releases.push(Release { version, module });
        }
    }
    releases.sort_by_key(|release| release.version);
    Ok(releases)
}

/// The version of `k8s.io/kubernetes` that a `go.mod` requires.
fn version(module: &str) -> Result<Version> {
    let required = |line: &str| line.trim().strip_prefix("k8s.io/kubernetes ")?.parse().ok();
    module.lines().find_map(required).context("no release of k8s.io/kubernetes is required")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minors() -> Vec<String> {
        let releases = all(&source()).unwrap();
        releases.iter().map(|release| release.version.minor.to_string()).collect()
    }

    #[test]
    fn the_newest_is_the_default_and_another_is_had_by_name() {
        let newest = choose(None).unwrap();
        assert_eq!(newest.module.file_name().unwrap(), "go.mod");
        let old = choose(Some("1.34".parse().unwrap())).unwrap();
        assert_eq!(old.module.file_name().unwrap(), "kubernetes-1.34.mod");
        assert!(old.version < newest.version);
    }

    #[test]
    fn a_release_that_cannot_be_built_is_refused_with_those_that_can() {
        let error = choose(Some("1.30".parse().unwrap())).unwrap_err().to_string();
        assert!(error.contains("1.30") && error.contains(&minors().join(".")[..4]), "{error}");
    }

    /// One that nobody builds would rot.
    #[test]
    fn the_workflow_tests_every_release() {
        let workflow =
            fs::read_to_string(repository().join(".github/workflows/test.yaml")).unwrap();
        let quoted: Vec<_> = minors().iter().map(|minor| format!("\"{minor}\"")).collect();
        let matrix = format!("kubernetes: [{}]", quoted.join(", "));
        assert!(workflow.contains(&matrix), "the workflow lacks `{matrix}`");
    }

    /// All of Kubernetes' own modules are replaced by those of the same release; a left-over would mix two of them.
    #[test]
    fn a_module_takes_every_part_from_one_release() {
        for release in all(&source()).unwrap() {
            let text = fs::read_to_string(&release.module).unwrap();
            let part = format!("v0.{}.{}", release.version.minor.0, release.version.patch);
            let replaced: Vec<_> = text.lines().filter(|line| line.contains(" => ")).collect();
            assert!(replaced.len() > 30, "{release:?}");
            assert!(replaced.iter().all(|line| line.ends_with(&part)), "{release:?}");
        }
    }
}
