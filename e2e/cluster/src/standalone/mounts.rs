//! The cluster's mount namespace: every mount of containerd, runc and kubelet stays in it, and the folders and kernel settings that
//! they use by fixed paths are covered there, so that the host's are never touched.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::layout::Layout;
use crate::wait;
use task::shell::Cmd;

/// Made last, inside: a namespace without it was left half-made.
const COMPLETE: &str = "/run/kubeopencode-complete";

/// What kubelet wants the kernel's settings to be (its `setupKernelTunables`). It finds them so and leaves the host's alone.
const KERNEL_SETTINGS: [(&str, &str); 6] = [
    ("vm/overcommit_memory", "1"),
    ("vm/panic_on_oom", "0"),
    ("kernel/panic", "10"),
    ("kernel/panic_on_oops", "1"),
    ("kernel/keys/root_maxkeys", "1000000"),
    ("kernel/keys/root_maxbytes", "25000000"),
];

/// Mounts the tmpfs of the run folder. It is private, or no namespace could be pinned in it.
pub(super) fn make_run(layout: &Layout) -> Result<()> {
    let run = layout.run();
    fs::create_dir_all(&run)?;
    if !is_mounted(&run)? {
        let source = format!("kubeopencode-{}", layout.name);
        Cmd::new("mount").args(["-t", "tmpfs", "-o", "mode=0700", &source]).arg(&run).run()?;
    }
    Cmd::new("mount").arg("--make-private").arg(&run).run()
}

pub(super) fn ensure(layout: &Layout) -> Result<()> {
    let namespace = layout.mount_namespace();
    if is_mounted(&namespace)? {
        if inside(layout).args(["test", "-e", COMPLETE]).succeeds() {
            return Ok(());
        }
        Cmd::new("umount").arg(&namespace).run()?;
    }
    File::create(&namespace)?;
    let pin = format!("--mount={}", namespace.display());
    Cmd::new("unshare").args([&pin, "--propagation=private", "true"]).run()?;
    cover(layout)?;
    inside(layout).args(["touch", COMPLETE]).run()
}

/// Unmounts all that is mounted below the cluster's folder; the namespaces and their mounts end with it.
pub(super) fn remove(layout: &Layout) -> Result<()> {
    wait::until("the cluster's mounts to go", Duration::from_secs(20), || {
        let mounted = below(&mounts()?, layout.folder());
        // The last process of a namespace may still be on its way out.
        Ok(mounted.iter().rev().all(|path| Cmd::new("umount").arg(path).succeeds()))
    })?;
    if !below(&mounts()?, layout.folder()).is_empty() {
        bail!("something is still mounted below {}", layout.folder().display());
    }
    Ok(())
}

pub(super) fn is_mounted(path: &Path) -> Result<bool> {
    Ok(parse(&mounts()?).iter().any(|mounted| mounted == path))
}

fn cover(layout: &Layout) -> Result<()> {
    let mount = |arguments: &[&str]| inside(layout).arg("mount").args(arguments).run();
    // Volumes that a pod mounts must show up in its other containers, hence shared; the host is apart already.
    mount(&["--make-rshared", "/"])?;
    mount(&["-t", "tmpfs", "run", "/run"])?;
    for folder in ["/var/lib", "/var/log"] {
        let own = layout.path("covers").join(folder.trim_start_matches("/var/"));
        fs::create_dir_all(&own)?;
        mount(&["--bind", &own.to_string_lossy(), folder])?;
    }
    let settings = layout.path("covers/sysctl");
    fs::create_dir_all(&settings)?;
    for (setting, value) in KERNEL_SETTINGS {
        let (own, real) =
            (settings.join(setting.replace('/', ".")), Path::new("/proc/sys").join(setting));
        fs::write(&own, format!("{value}\n")).with_context(|| own.display().to_string())?;
        if real.exists() {
            mount(&["--bind", &own.to_string_lossy(), &real.to_string_lossy()])?;
        }
    }
    Ok(())
}

fn inside(layout: &Layout) -> Cmd {
    Cmd::new("nsenter").arg(format!("--mount={}", layout.mount_namespace().display())).arg("--")
}

fn mounts() -> Result<String> {
    Ok(fs::read_to_string("/proc/self/mounts")?)
}

fn below(mounts: &str, folder: &Path) -> Vec<PathBuf> {
    parse(mounts).into_iter().filter(|path| path.starts_with(folder)).collect()
}

/// Mount points in the order they were mounted. The kernel writes a space as `\040`.
fn parse(mounts: &str) -> Vec<PathBuf> {
    let paths = mounts.lines().filter_map(|line| line.split_whitespace().nth(1));
    paths.map(|path| PathBuf::from(path.replace("\\040", " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_below_the_folder_are_ours() {
        let mounts = "tmpfs /a/clusters/one/run tmpfs rw 0 0\n\
            nsfs /a/clusters/one/run/net nsfs rw 0 0\n\
            tmpfs /a/clusters/one-more/run tmpfs rw 0 0\n\
            tmpfs /a/with\\040space tmpfs rw 0 0\n";
        let expected = ["/a/clusters/one/run", "/a/clusters/one/run/net"].map(PathBuf::from);
        assert_eq!(below(mounts, Path::new("/a/clusters/one")), expected);
        assert_eq!(below(mounts, Path::new("/a/with space")).len(), 1);
    }
}
