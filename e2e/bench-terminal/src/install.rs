//! Puts the running program where an agent's containers look for `OpenCode`.

use std::{fs, path::Path};

use anyhow::{Context, Result};

/// Copies this program to `{dir}/opencode`. Under another name first: a container that starts again must not
/// run half a binary.
pub(crate) fn install(dir: &Path) -> Result<()> {
    let partial = dir.join(".opencode");
    let place = || {
        // The copy is executable as the original is.
        fs::copy("/proc/self/exe", &partial)?;
        fs::rename(&partial, dir.join("opencode"))
    };
    place().with_context(|| format!("cannot install into {}", dir.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_is_installed_is_this_program_whole_and_executable() {
        let dir = tempfile::tempdir().unwrap();
        install(dir.path()).unwrap();
        let installed = dir.path().join("opencode");
        assert_eq!(fs::read(&installed).unwrap(), fs::read("/proc/self/exe").unwrap());
        assert_eq!(fs::metadata(&installed).unwrap().permissions().mode() & 0o111, 0o111);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
