//! A Debian of a few packages, from the machine's own package sources.

use std::{fs, path::Path};

use anyhow::Result;

use super::{Platform, cross};
use crate::{
    apt::{self, Needed},
    cache::Key,
    shell::Cmd,
};

/// The release that images are made of.
const RELEASE: &str = "bookworm";

/// Adds what `bootstrap` makes.
pub(super) fn key(key: Key, packages: &str, hooks: &[&str]) -> Key {
    hooks.iter().fold(key.bytes(RELEASE).bytes(packages), Key::bytes)
}

/// Writes `root.tar`: the essential packages and `packages`, after `hooks`, which find the root in `$1`.
pub(super) fn bootstrap(
    context: &Path,
    platform: Platform,
    packages: &str,
    hooks: &[&str],
) -> Result<()> {
    // The packages' own scripts run while they are installed.
    cross::ensure_emulation(platform)?;
    let hooks = hooks.iter().map(|hook| format!("--customize-hook={hook}"));
    let arguments: Vec<_> = hooks.chain(["--variant=essential".to_owned()]).collect();
    make(&arguments, platform, packages, &context.join("root.tar"))
}

/// Unpacks packages and what they depend on into the new folder `root`; nothing of them runs.
pub(super) fn extract(platform: Platform, packages: &str, root: &Path) -> Result<()> {
    make(
        &["--variant=extract".to_owned(), "--format=directory".to_owned()],
        platform,
        packages,
        root,
    )
}

fn make(arguments: &[String], platform: Platform, packages: &str, root: &Path) -> Result<()> {
    apt::ensure(&[Needed { program: "mmdebstrap", package: "mmdebstrap" }])?;
    let options = root.with_added_extension("conf");
    fs::write(&options, acquire_options()?)?;
    Cmd::new("mmdebstrap")
        .args(["--quiet", &format!("--include={packages}")])
        .arg(format!("--architectures={}", platform.architecture()))
        .arg(format!("--aptopt={}", options.display()))
        .args(arguments)
        .arg(RELEASE)
        .arg(root)
        .run()?;
    Ok(fs::remove_file(options)?)
}

/// How this machine reaches its package sources: proxies, and what it checks.
fn acquire_options() -> Result<String> {
    let all = Cmd::new("apt-config").arg("dump").read()?;
    let keys = ["Acquire::http", "Acquire::https", "Acquire::Check-"];
    let lines = all.lines().filter(|line| keys.iter().any(|key| line.starts_with(key)));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}
