//! Puts this binary, and the certificates to trust, where the agent's containers find them; must leave no half-written
//! file behind.

use std::{
    fs::{self, File, Permissions},
    io::{self, Read},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    job,
    report::ReportArgs,
    roots::{self, RootsError},
};

/// The name under which the other containers find the binary.
pub const BINARY: &str = "agent-tools";

/// The name under which they find the certificates.
pub const CA_BUNDLE: &str = "ca-bundle.crt";

#[derive(clap::Args, Debug)]
pub struct InstallArgs {
    /// Folder that receives the binary; it must exist
    dir: PathBuf,
    /// File of PEM certificates, to be written to the same folder together with Mozilla's roots
    #[arg(long)]
    ca_bundle: Option<PathBuf>,
    #[command(flatten)]
    report: ReportArgs,
}

#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("cannot read this program's own binary")]
    Source(#[source] io::Error),
    #[error(transparent)]
    Roots(#[from] RootsError),
    #[error("cannot install into {}", dir.display())]
    Target { dir: PathBuf, source: io::Error },
}

impl InstallError {
    /// A short, constant name for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::Source(_) => "source",
            Self::Roots(_) => "roots",
            Self::Target { .. } => "target",
        }
    }
}

/// Runs [`install`]; a failure is the container's termination message as well.
pub fn run(args: &InstallArgs) -> anyhow::Result<()> {
    job::reported(&args.report, || Ok(install(args)?))
}

/// Copies the running binary to `{dir}/agent-tools`, mode 0755, and the certificates to `{dir}/ca-bundle.crt`, mode
/// 0644, each replacing an older one at once.
pub fn install(args: &InstallArgs) -> Result<(), InstallError> {
    let failed = |source| InstallError::Target { dir: args.dir.clone(), source };
    let source = File::open("/proc/self/exe").map_err(InstallError::Source)?;
    place(source, &args.dir, BINARY, 0o755).map_err(failed)?;
    if let Some(custom) = &args.ca_bundle {
        let bundle = roots::bundle(custom)?;
        place(bundle.as_bytes(), &args.dir, CA_BUNDLE, 0o644).map_err(failed)?;
    }
    Ok(())
}

fn place(mut source: impl Read, dir: &Path, name: &str, mode: u32) -> io::Result<()> {
    let partial = dir.join(format!(".{name}.{}", std::process::id()));
    let placed =
        write(&mut source, &partial, mode).and_then(|()| fs::rename(&partial, dir.join(name)));
    if placed.is_err() {
        // The first error is the one to report; there may also be nothing to remove.
        let _ = fs::remove_file(&partial);
    }
    placed
}

fn write(source: &mut impl Read, path: &Path, mode: u32) -> io::Result<()> {
    let mut target = File::create(path)?;
    io::copy(source, &mut target)?;
    // Set apart from creation, since the umask has no say in it.
    target.set_permissions(Permissions::from_mode(mode))?;
    target.sync_all()
}
