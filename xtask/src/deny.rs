//! Licences, sources and duplicate versions of what the workspace depends on. The advisories need a database that no
//! package registry has, and are checked when a release is made.

use anyhow::Result;

use crate::{cargo_tool, paths, shell::Cmd, step};

const VERSION: &str = "0.20.2";

pub(crate) fn check() -> Result<()> {
    run("bans, licences, sources", &["bans", "licenses", "sources"])
}

/// Checks advisories, whose database is fetched.
pub(crate) fn advisories() -> Result<()> {
    run("advisories", &["advisories"])
}

fn run(title: &str, checks: &[&str]) -> Result<()> {
    let tool = cargo_tool::ensure("cargo-deny", VERSION)?;
    step::run(&format!("cargo deny: {title}"), |_| {
        Cmd::new(tool)
            .args(["--locked", "--log-level", "error", "check", "--deny", "warnings"])
            .args(checks)
            .current_dir(paths::repository())
            .run()
    })
}
