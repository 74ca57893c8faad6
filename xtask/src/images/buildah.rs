//! One container image from a folder, as an archive that any provider can load. It needs no daemon and no registry.

use std::path::Path;

use anyhow::Result;

use crate::{
    apt::{self, Needed},
    paths,
    shell::Cmd,
};

/// Builds `containerfile` over the files of `context` and writes the image named `reference` to `archive`
/// (the docker-archive format). The builder's own storage is emptied again.
pub(crate) fn build(context: &Path, containerfile: &str, reference: &str, archive: &Path) -> Result<()> {
    apt::ensure(&[Needed { program: "buildah", package: "buildah" }])?;
    let built = buildah()?
        .args(["build", "--quiet", "--isolation", "chroot", "--timestamp", "0", "--tag", reference])
        .args(["--file", "-"])
        .arg(context)
        .input(containerfile)
        .read();
    let pushed = built.and_then(|_| {
        let target = format!("docker-archive:{}:{reference}", archive.display());
        buildah()?.args(["push", "--quiet", reference, &target]).run()
    });
    // Also after a failure: what remains would only fill the disk.
    let _ = buildah()?.args(["rmi", "--force", "--prune"]).run();
    let _ = buildah()?.args(["rmi", "--force", reference]).run();
    pushed
}

/// Storage of our own, so that no other buildah or podman of the machine sees or loses anything.
fn buildah() -> Result<Cmd> {
    let storage = paths::cache()?.join("buildah");
    Ok(Cmd::new("buildah")
        .args(["--storage-driver", "vfs", "--root"])
        .arg(storage.join("root"))
        .arg("--runroot")
        .arg(storage.join("run")))
}
