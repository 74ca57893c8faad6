//! Provider `current`: the cluster of the present kube context. It is somebody else's: it is used, and never made or removed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::paths::variable;
use crate::shell::Cmd;
use crate::step;

pub(super) fn up() -> Result<()> {
    step::run("the present context answers", |step| {
        step.note(Cmd::new("kubectl").args(["config", "current-context"]).read()?);
        Cmd::new("kubectl").args(["get", "--raw=/readyz", "--request-timeout=10s"]).run()
    })
}

/// The first file of `$KUBECONFIG`, or kubectl's default.
pub(super) fn kubeconfig() -> Result<PathBuf> {
    if let Some(files) = variable("KUBECONFIG") {
        return std::env::split_paths(&files).next().context("KUBECONFIG is empty");
    }
    Ok(Path::new(&variable("HOME").context("HOME is not set")?).join(".kube/config"))
}

pub(super) fn load_images(archives: &[PathBuf]) -> Result<()> {
    if archives.is_empty() {
        return Ok(());
    }
    bail!(
        "images cannot be put into the cluster of the present context: push them to a registry that it reads"
    )
}
