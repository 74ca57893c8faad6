//! Room on the disks that a task fills.

use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::statvfs;

use crate::paths;

const GB: u64 = 1_000_000_000;

/// What the tests add to an empty checkout and an empty cache.
const NEEDED: u64 = 28 * GB;

/// Says so where the tests may not fit: hours later a full disk is reported by whatever program meets it first.
pub(crate) fn look() -> Result<()> {
    // With caches that are filled they need less, so it is no error.
    for folder in [paths::repository(), &paths::cache()?] {
        let free = free(folder)?;
        if free < NEEDED {
            eprintln!("{}", warning(folder, free));
        }
    }
    Ok(())
}

fn free(folder: &Path) -> Result<u64> {
    // It may be made later, on the disk of what is above it.
    let there = folder.ancestors().find(|folder| folder.exists()).context("an absolute path")?;
    let disk = statvfs(there).with_context(|| there.display().to_string())?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}

fn warning(folder: &Path, free: u64) -> String {
    format!(
        "! {} GB are free at {}: without caches the tests need {} GB",
        free / GB,
        folder.display(),
        NEEDED / GB
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_room_is_that_of_the_folders_disk() {
        assert!(free(Path::new("/")).unwrap() > 0);
        assert_eq!(free(Path::new("/proc/no/such/folder")).unwrap(), 0);
        assert_eq!(free(Path::new("/proc")).unwrap(), 0, "no disk");
        let said = warning(Path::new("/here"), 11_900_000_000);
        assert_eq!(said, "! 11 GB are free at /here: without caches the tests need 28 GB");
    }
}
