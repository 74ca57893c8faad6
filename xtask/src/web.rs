//! `cargo xtask web`: the page that the gateway embeds, from TypeScript. An unchanged page is not built again.

use std::{fs, path::PathBuf};

use anyhow::{Result, ensure};

use crate::{
    cache::Key,
    paths,
    shell::{Cmd, which},
    step,
};

/// What a build depends on.
const SOURCES: [&str; 5] =
    ["src", "build.mjs", "package.json", "package-lock.json", "tsconfig.json"];

pub(crate) fn run() -> Result<()> {
    build()
}

/// Builds the page into `crates/gateway/web/dist`.
pub(crate) fn build() -> Result<()> {
    step::run("the terminal's page", |step| {
        ensure!(which("npm").is_some(), "npm is missing: install Node.js 20 or later");
        let key = key()?;
        if fs::read_to_string(stamp()).is_ok_and(|built| built == key) {
            step.note("unchanged");
            return Ok(());
        }
        packages()?;
        npm().args(["run", "build"]).run()?;
        Ok(fs::write(stamp(), key)?)
    })
}

/// The page's own tests: types, and what decides without a browser.
pub(crate) fn test() -> Result<()> {
    step::run("the page's tests", |_| {
        packages()?;
        npm().args(["test"]).run()
    })
}

/// The page in a real Chromium, against a fake gateway that forces faults.
pub(crate) fn test_in_browser() -> Result<()> {
    step::run("the page in a browser", |_| {
        packages()?;
        npm().args(["run", "test:browser"]).run()
    })
}

fn folder() -> PathBuf {
    paths::repository().join("crates/gateway/web")
}

/// Lies in the build's own folder, so that it goes with it; written last, so that half a build has none.
fn stamp() -> PathBuf {
    folder().join("dist/.built-from")
}

fn npm() -> Cmd {
    Cmd::new("npm").current_dir(folder())
}

fn key() -> Result<String> {
    let key =
        SOURCES.iter().try_fold(Key::new(), |key, source| key.path(&folder().join(source)))?;
    Ok(key.finish())
}

fn packages() -> Result<()> {
    let lock = fs::read(folder().join("package-lock.json"))?;
    let key = Key::new().bytes(lock).finish();
    let stamp = folder().join("node_modules/.installed-from");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == key) {
        return Ok(());
    }
    npm().args(["ci", "--no-audit", "--no-fund"]).run()?;
    Ok(fs::write(stamp, key)?)
}
