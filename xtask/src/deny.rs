//! Licences, sources and duplicate versions of what the workspace depends on. The advisories need a database that no
//! package registry has, and are checked when a release is made.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    cache::{self, Key},
    paths,
    shell::Cmd,
    step,
};

const VERSION: &str = "0.20.2";

pub(crate) fn check() -> Result<()> {
    run("bans, licences, sources", &["bans", "licenses", "sources"])
}

/// Checks advisories, whose database is fetched.
pub(crate) fn advisories() -> Result<()> {
    run("advisories", &["advisories"])
}

fn run(title: &str, checks: &[&str]) -> Result<()> {
    let tool = tool()?;
    step::run(&format!("cargo deny: {title}"), |_| {
        Cmd::new(tool)
            .args(["--locked", "--log-level", "error", "check", "--deny", "warnings"])
            .args(checks)
            .current_dir(paths::repository())
            .run()
    })
}

fn tool() -> Result<PathBuf> {
    let key = Key::new().bytes(VERSION);
    let built = step::run(&format!("cargo-deny {VERSION}"), |step| {
        let built = cache::get_or_build("cargo-deny", key, |folder| {
            let package = format!("cargo-deny@{VERSION}");
            Cmd::new("cargo")
                .args(["install", "--locked", "--quiet", "--no-track", &package, "--root"])
                .arg(folder)
                .current_dir(folder)
                .run()
        })?;
        step.note(built.origin.note());
        Ok(built)
    })?;
    Ok(built.path.join("bin/cargo-deny"))
}
