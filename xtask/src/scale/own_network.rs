//! A network namespace for one run: whatever listens there is reached by nobody else, and no address of the machine is
//! taken. It ends with its last process.

use std::{env, fmt::Write as _, fs, path::Path};

use anyhow::{Result, bail};

use crate::{paths, shell::Cmd};

/// Runs this program again with the same arguments and `flag`, in a network and a mount namespace of its own.
pub(super) fn again(flag: &str) -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("a network of its own is made by root only: run this as root");
    }
    Cmd::new("unshare")
        .args(["--net", "--mount", "--"])
        .arg(paths::program()?)
        .args(env::args_os().skip(1))
        .arg(flag)
        .show()
}

/// There: gives it loopback, and `addresses` that are not, which `name` means. Its hosts file lies in `folder`.
pub(super) fn furnish(folder: &Path, name: &str, addresses: &[&str]) -> Result<()> {
    let ip = |words: &[&str]| Cmd::new("ip").args(words).run();
    ip(&["link", "set", "lo", "up"])?;
    let mut lines = "127.0.0.1 localhost\n".to_owned();
    for address in addresses {
        ip(&["address", "add", &format!("{address}/32"), "dev", "lo"])?;
        writeln!(lines, "{address} {name}")?;
    }
    let hosts = folder.join("hosts");
    fs::write(&hosts, lines)?;
    // Of the mount namespace only: unshare(1) makes all mounts private.
    Cmd::new("mount").arg("--bind").arg(&hosts).arg("/etc/hosts").run()
}
