//! Builds container images with buildah, without a daemon and without leaving anything in the machine's own image store.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use crate::Platform;
use crate::apt::Needed;
use crate::shell::Cmd;

pub const NEEDED: [Needed; 1] = [Needed { program: "buildah", package: "buildah" }];

/// Images are built here from parts of this machine: there is no signature to check.
const SIGNATURE_POLICY: &str = r#"{"default": [{"type": "insecureAcceptAnything"}]}"#;

/// Builds the image `tag` from the folder `context` with its `Containerfile`, and writes it to `archive` (a `docker-archive` tar).
/// buildah's storage lies beside the archive while it works.
pub fn archive(
    context: &Path,
    containerfile: &str,
    (tag, platform): (&str, Platform),
    archive: &Path,
) -> Result<()> {
    let scratch = archive.with_added_extension("building");
    fs::create_dir_all(&scratch)?;
    let outcome = build(context, containerfile, (tag, platform), archive, &scratch);
    fs::remove_dir_all(&scratch).with_context(|| scratch.display().to_string())?;
    outcome
}

fn build(
    context: &Path,
    containerfile: &str,
    (tag, platform): (&str, Platform),
    archive: &Path,
    scratch: &Path,
) -> Result<()> {
    let (policy, recipe) = (scratch.join("policy.json"), scratch.join("Containerfile"));
    fs::write(&policy, SIGNATURE_POLICY)?;
    fs::write(&recipe, containerfile)?;
    let buildah = || {
        Cmd::new("buildah")
            // Copies layers whole, which costs little for images of one layer and works on every file system.
            .args(["--storage-driver", "vfs", "--root"])
            .arg(scratch.join("root"))
            .arg("--runroot")
            .arg(scratch.join("run"))
    };
    buildah()
        .args([
            "build",
            "--quiet",
            "--isolation",
            "chroot",
            "--layers=false",
            "--format",
            "docker",
            "--tag",
            tag,
            "--platform",
            &platform.to_string(),
        ])
        .arg("--signature-policy")
        .arg(&policy)
        .arg("--file")
        .arg(&recipe)
        .arg(context)
        .run()?;
    let target = format!("docker-archive:{}:{tag}", archive.display());
    buildah()
        .args(["push", "--quiet", "--signature-policy"])
        .arg(&policy)
        .args([tag, &target])
        .run()
}
