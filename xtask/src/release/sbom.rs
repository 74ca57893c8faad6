//! Bills of materials, CycloneDX, of our programs: by the CycloneDX project's own tool for Cargo, from the lock file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::{cargo_tool, images, paths, shell::Cmd, step};

const VERSION: &str = "0.5.9";

/// What the tool calls each crate's bill; it lies beside the crate's manifest until it is moved.
const BILL: &str = "kubeopencode-sbom";

/// One for each program of the images, such as `gateway.cdx.json`.
pub(super) fn write(folder: &Path) -> Result<()> {
    let tool = cargo_tool::ensure("cargo-cyclonedx", VERSION)?;
    step::run("bills of materials", |_| {
        let made = make(&tool).and_then(|()| take(folder));
        // The tool writes one beside every crate's manifest.
        let removed = bills()?.iter().try_for_each(fs::remove_file);
        made.and_then(|()| Ok(removed?))
    })
}

fn make(tool: &Path) -> Result<()> {
    Cmd::new(tool)
        .args(["cyclonedx", "--format", "json", "--spec-version", "1.5", "--no-build-deps"])
        .args(["--target", "all", "--override-filename", BILL, "-qq"])
        .current_dir(paths::repository())
        // Made again, it is the same: no time, no random number.
        .env("SOURCE_DATE_EPOCH", "0")
        .env("CARGO_NET_OFFLINE", "true")
        .run()
}

fn take(folder: &Path) -> Result<()> {
    for name in images::PROGRAMS {
        let bill = bills()?.into_iter().find(|bill| is_of(name, bill));
        let bill = bill.with_context(|| format!("there is no bill of {name}"))?;
        // The path of this checkout would make another file of each.
        let here = paths::repository().display().to_string();
        let text = fs::read_to_string(bill)?.replace(&here, "");
        fs::write(folder.join(format!("{name}.cdx.json")), text)?;
    }
    Ok(())
}

/// The folder of a crate is called as the crate.
fn is_of(name: &str, bill: &Path) -> bool {
    bill.parent().is_some_and(|parent| parent.ends_with(name))
}

fn bills() -> Result<Vec<PathBuf>> {
    let listed = Cmd::new("git")
        .args(["ls-files", "--others", "--exclude-standard", "--", &format!("*{BILL}.json")])
        .current_dir(paths::repository())
        .read()?;
    Ok(listed.lines().map(|line| paths::repository().join(line)).collect())
}
