//! Installs the Debian packages of the programs that a task needs and the machine lacks. It never removes or upgrades one,
//! and asks first where somebody is there to answer.

use std::{
    io::{self, BufRead, IsTerminal, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Result, bail};

use crate::{
    paths,
    shell::{Cmd, which},
};

/// Whether the user has agreed to all installations.
static AGREED: AtomicBool = AtomicBool::new(false);

/// Another apt that works at the same time is waited for, 300 s at most.
const LOCK: &str = "-oDPkg::Lock::Timeout=300";

/// A program (a name to look for in `PATH`, or an absolute path) and the Debian package that has it.
pub struct Needed {
    pub program: &'static str,
    pub package: &'static str,
}

/// Sees to it that every program is there, and returns the packages that were installed for it.
/// A program that came from elsewhere counts: Docker's containerd is not replaced by Debian's.
pub fn ensure(needed: &[Needed]) -> Result<Vec<&'static str>> {
    let mut packages: Vec<_> = missing(needed).map(|needed| needed.package).collect();
    packages.sort_unstable();
    packages.dedup();
    if packages.is_empty() {
        return Ok(packages);
    }
    if which("apt-get").is_none() {
        bail!("this machine has no apt-get: install {} by its own means", packages.join(", "));
    }
    if !rustix::process::geteuid().is_root() {
        bail!("not root: run `apt-get install --no-install-recommends {}`", packages.join(" "));
    }
    if is_asked_first() && !agrees(&packages, &mut io::stdin().lock())? {
        bail!("not installed: {}", packages.join(" "));
    }
    install(&packages)?;
    if let Some(still) = missing(needed).next() {
        bail!("package {} is installed, but {} is not there", still.package, still.program);
    }
    Ok(packages)
}

/// From now on nobody is asked.
pub fn agree() {
    AGREED.store(true, Ordering::Relaxed);
}

/// CI services set `CI`; and where standard input is no terminal, nobody would answer.
fn is_asked_first() -> bool {
    let agreed = AGREED.load(Ordering::Relaxed);
    !agreed && paths::variable("CI").is_none() && io::stdin().is_terminal()
}

fn agrees(packages: &[&str], input: &mut impl BufRead) -> Result<bool> {
    eprint!("\nInstall {} by apt-get? (--yes does not ask) [Y/n] ", packages.join(" "));
    io::stderr().flush()?;
    let mut answer = String::new();
    let length = input.read_line(&mut answer)?;
    Ok(length > 0 && ["", "y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

fn missing(needed: &[Needed]) -> impl Iterator<Item = &Needed> {
    needed.iter().filter(|needed| which(Path::new(needed.program)).is_none())
}

fn install(packages: &[&str]) -> Result<()> {
    let install = || {
        Cmd::new("apt-get")
            .args([
                "install",
                "--yes",
                "--quiet",
                "--no-install-recommends",
                "--no-remove",
                "--no-upgrade",
            ])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive")
    };
    // The package lists are often recent enough; fetching them takes longer than most installations.
    if install().succeeds() {
        return Ok(());
    }
    Cmd::new("apt-get").args(["update", "--quiet", LOCK]).run()?;
    install().run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_installed_when_the_user_agrees_and_not_when_nobody_answers() {
        let agrees = |input: &str| agrees(&["skopeo"], &mut input.as_bytes()).unwrap();
        assert!(["\n", "y\n", "Yes\n"].into_iter().all(agrees));
        assert!(!["n\n", "no\n", "what?\n", ""].into_iter().any(agrees));
    }

    #[test]
    fn only_programs_that_are_not_there_are_missing() {
        let needed = [
            Needed { program: "sh", package: "dash" },
            Needed { program: "/usr/lib/no/such/plugin", package: "plugins" },
            Needed { program: "no-such-program", package: "other" },
        ];
        let missing: Vec<_> = missing(&needed).map(|needed| needed.package).collect();
        assert_eq!(missing, ["plugins", "other"]);
    }
}
