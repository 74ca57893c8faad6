//! Puts this binary where the agent's container can run it; must leave no half-written one behind.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// The name under which the other containers find the binary.
pub const BINARY: &str = "agent-tools";

#[derive(clap::Args, Debug)]
pub struct InstallArgs {
    /// Folder that receives the binary; it must exist
    dir: PathBuf,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("cannot read this program's own binary")]
    Source(#[source] io::Error),
    #[error("cannot install into {}", dir.display())]
    Target { dir: PathBuf, source: io::Error },
}

impl InstallError {
    /// A short, constant name for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Target { .. } => "target",
        }
    }
}

/// Copies the running binary to `{dir}/agent-tools`, mode 0755, replacing an older one at once.
pub fn install(args: &InstallArgs) -> Result<(), InstallError> {
    let source = File::open("/proc/self/exe").map_err(InstallError::Source)?;
    place(source, &args.dir)
        .map_err(|source| InstallError::Target { dir: args.dir.clone(), source })
}

fn place(mut source: File, dir: &Path) -> io::Result<()> {
    let partial = dir.join(format!(".{BINARY}.{}", std::process::id()));
    let placed = write_executable(&mut source, &partial)
        .and_then(|()| fs::rename(&partial, dir.join(BINARY)));
    if placed.is_err() {
        // The first error is the one to report; there may also be nothing to remove.
        let _ = fs::remove_file(&partial);
    }
    placed
}

fn write_executable(source: &mut File, path: &Path) -> io::Result<()> {
    let mut target = File::create(path)?;
    io::copy(source, &mut target)?;
    // Set apart from creation, since the umask has no say in it.
    target.set_permissions(Permissions::from_mode(0o755))?;
    target.sync_all()
}
