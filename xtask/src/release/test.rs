//! What a release is made of, tried: the workflows by actionlint, the artifacts and a real registry by `e2e/chart`.

use anyhow::Result;

use crate::{cluster, paths, sccache, shell::Cmd, step};

/// Images of this checkout are built, or will be.
pub(super) fn run(runner: &[String]) -> Result<()> {
    let (helm, registry) = (cluster::ensure_helm()?, cluster::ensure_registry()?);
    eprintln!("tests of a release");
    sccache::wrap(Cmd::new("cargo"))
        .args(["test", "--locked", "--package", "chart", "--features", "tools"])
        .args(["--test", "release", "--", "--test-threads=1"])
        .args(runner)
        .current_dir(paths::repository())
        .env("HELM", helm)
        .env("REGISTRY", registry)
        .env("XTASK", paths::program()?)
        .show()
}

/// The workflows' own rules.
pub(crate) fn workflows() -> Result<()> {
    let actionlint = cluster::ensure_actionlint()?;
    step::run("workflows", |_| Cmd::new(actionlint).current_dir(paths::repository()).run())
}
