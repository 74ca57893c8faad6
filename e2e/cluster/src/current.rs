//! Provider `current`: the cluster of the present kube context. It is somebody else's: it is used, and never made or removed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use task::paths::variable;
use task::shell::Cmd;
use task::step;

/// `context` is the one that the user named; without it, the present one counts.
pub(super) fn up(context: Option<&str>) -> Result<()> {
    step::run("the cluster of the kube context answers", |step| {
        step.note(match context {
            Some(context) => context.to_owned(),
            None => Cmd::new("kubectl").args(["config", "current-context"]).read()?,
        });
        kubectl(context).args(["get", "--raw=/readyz", "--request-timeout=10s"]).run()
    })
}

pub(super) fn kubectl(context: Option<&str>) -> Cmd {
    let kubectl = Cmd::new("kubectl");
    match context {
        Some(context) => kubectl.args(["--context", context]),
        None => kubectl,
    }
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
