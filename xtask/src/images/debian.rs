//! A Debian of a few packages, from the machine's own package sources.

use std::{fs, path::Path};

use anyhow::Result;

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
pub(super) fn bootstrap(context: &Path, packages: &str, hooks: &[&str]) -> Result<()> {
    apt::ensure(&[Needed { program: "mmdebstrap", package: "mmdebstrap" }])?;
    let options = context.join("apt.conf");
    fs::write(&options, acquire_options()?)?;
    Cmd::new("mmdebstrap")
        .args(["--quiet", "--variant=essential", &format!("--include={packages}")])
        .arg(format!("--aptopt={}", options.display()))
        .args(hooks.iter().map(|hook| format!("--customize-hook={hook}")))
        .arg(RELEASE)
        .arg(context.join("root.tar"))
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
