//! Commands of cargo that others have written, compiled once and kept.

use std::path::PathBuf;

use anyhow::Result;

use crate::{
    cache::{self, Key},
    shell::Cmd,
    step,
};

/// The program of a cargo command, such as `cargo-deny`.
pub(crate) fn ensure(name: &str, version: &str) -> Result<PathBuf> {
    step::run(&format!("{name} {version}"), |step| {
        let built = cache::get_or_build(name, Key::new().bytes(version), |folder| {
            Cmd::new("cargo")
                .args(["install", "--locked", "--quiet", "--no-track"])
                .args([&format!("{name}@{version}"), "--root"])
                .arg(folder)
                .current_dir(folder)
                .run()
        })?;
        step.note(built.origin.note());
        Ok(built.path.join("bin").join(name))
    })
}
