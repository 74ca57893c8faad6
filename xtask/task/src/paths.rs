//! Where things are: the repository and the cache folder. The only module that reads the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context, Result};

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("."))
}

static PROGRAM: OnceLock<PathBuf> = OnceLock::new();

/// The path of this program, for what runs it again. Cargo builds it anew for some of the tests, and Linux says of a file
/// that was replaced no more than that it is deleted: so `main` calls this before anything else.
pub fn program() -> Result<&'static Path> {
    if let Some(path) = PROGRAM.get() {
        return Ok(path);
    }
    let path = std::env::current_exe().context("the path of this program")?;
    Ok(PROGRAM.get_or_init(|| path))
}

/// The folder of everything that is built once and kept, and of the clusters: `$XDG_CACHE_HOME/kubeopencode`, else `~/.cache/kubeopencode`.
pub fn cache() -> Result<PathBuf> {
    let base = variable("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| variable("HOME").map(|home| Path::new(&home).join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set")?.join("kubeopencode"))
}

/// An environment variable that is set and not empty.
#[allow(
    clippy::disallowed_methods,
    reason = "the one place of the tasks that reads the environment"
)]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The names of the variables by which `cargo run` describes the package that it runs
/// (The Cargo Book, "Environment variables Cargo sets for crates").
pub fn variables_of_the_task() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.as_encoded_bytes();
        name.starts_with(b"CARGO_PKG_") || name.starts_with(b"CARGO_MANIFEST_")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_holds_the_workspace() {
        assert!(repository().join("xtask/Cargo.toml").is_file());
    }
}
