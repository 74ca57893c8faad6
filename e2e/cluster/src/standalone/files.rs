//! Files that are written whole or not at all, and readable by their owner only.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, Result};

/// Replaces a file's content by way of a second file, so that a reader sees the old or the new one.
pub(super) fn write(path: &Path, content: &[u8]) -> Result<()> {
    let partial = path.with_added_extension("partial");
    let write = || -> std::io::Result<()> {
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&partial)?
            .write_all(content)?;
        fs::rename(&partial, path)
    };
    write().with_context(|| path.display().to_string())
}
