//! The images of the cluster's own pods, built from programs of this machine, and the way of any image archive into its containerd.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::binaries::Binaries;
use super::config::PAUSE_IMAGE;
use super::files;
use super::layout::Layout;
use task::Platform;
use task::cache::{Key, get_or_build};
use task::shell::{Cmd, which};
use task::{buildah, step};

/// One static program in an image of its own.
struct SystemImage<'a> {
    tag: &'a str,
    program: PathBuf,
    containerfile: &'a str,
}

pub(super) const COREDNS: &str = "localhost/kubeopencode-cluster/coredns:1.12.4";
pub(super) const PROVISIONER: &str = "localhost/kubeopencode-cluster/local-path-provisioner:0.0.30";
/// A shell and the usual small tools: the storage provisioner's helper, and good for tests.
pub(super) const BUSYBOX: &str = "localhost/kubeopencode-cluster/busybox:1";

/// Builds what is not in the cache; returns the archives.
pub(super) fn ensure(binaries: &Binaries) -> Result<Vec<PathBuf>> {
    step::run("images of the cluster's own pods", |step| {
        let built = images(binaries)?;
        let mut key = Key::new();
        for image in &built {
            key = key.bytes(image.tag).bytes(image.containerfile).path(&image.program)?;
        }
        let built = get_or_build("cluster-images", key, |out| {
            built.iter().try_for_each(|image| build(image, out))
        })?;
        step.note(built.origin.note());
        fs::read_dir(&built.path)?.map(|entry| Ok(entry?.path())).collect()
    })
}

/// Imports the archives that have not been imported before.
pub(super) fn import(layout: &Layout, archives: &[PathBuf]) -> Result<usize> {
    let record = layout.path("imported.json");
    let mut known: BTreeSet<String> = fs::read(&record)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let mut count = 0;
    for archive in archives {
        let identity = identity(archive)?;
        if known.contains(&identity) {
            continue;
        }
        ctr(layout).args(["--namespace", "k8s.io", "images", "import"]).arg(archive).run()?;
        known.insert(identity);
        count += 1;
        files::write(&record, &serde_json::to_vec(&known)?)?;
    }
    Ok(count)
}

pub(super) fn containerd_answers(layout: &Layout) -> bool {
    ctr(layout).arg("version").succeeds()
}

fn ctr(layout: &Layout) -> Cmd {
    Cmd::new(layout.path("bin/ctr")).arg("--address").arg(layout.containerd_socket())
}

/// A rebuilt archive has another time or inode.
fn identity(archive: &Path) -> Result<String> {
    let meta = fs::metadata(archive).with_context(|| archive.display().to_string())?;
    Ok(format!(
        "{}:{}:{}.{}:{}",
        archive.display(),
        meta.len(),
        meta.mtime(),
        meta.mtime_nsec(),
        meta.ino()
    ))
}

fn images(binaries: &Binaries) -> Result<[SystemImage<'static>; 4]> {
    let busybox = which("busybox").context("busybox is missing")?;
    Ok([
        SystemImage {
            tag: PAUSE_IMAGE,
            program: binaries.addons.join("pause"),
            containerfile: "FROM scratch\nCOPY pause /pause\nUSER 65535:65535\nENTRYPOINT [\"/pause\"]\n",
        },
        SystemImage {
            tag: COREDNS,
            program: binaries.addons.join("coredns"),
            containerfile: "FROM scratch\nCOPY coredns /coredns\nUSER 65534:65534\nENTRYPOINT [\"/coredns\"]\n",
        },
        SystemImage {
            tag: PROVISIONER,
            program: binaries.addons.join("local-path-provisioner"),
            containerfile: "FROM scratch\nCOPY local-path-provisioner /local-path-provisioner\n",
        },
        SystemImage {
            tag: BUSYBOX,
            program: busybox,
            containerfile: "FROM scratch\nCOPY . /\nENV PATH=/usr/sbin:/usr/bin:/sbin:/bin\nCMD [\"sh\"]\n",
        },
    ])
}

fn build(image: &SystemImage<'_>, out: &Path) -> Result<()> {
    let name = image.tag.rsplit('/').next().unwrap_or(image.tag).replace(':', "-");
    let context = out.join("context");
    fs::create_dir(&context)?;
    if image.tag == BUSYBOX {
        busybox_root(&image.program, &context)?;
    } else {
        let file = image.program.file_name().context("a program has a name")?;
        fs::copy(&image.program, context.join(file))?;
    }
    let named = (image.tag, Platform::host());
    buildah::archive(&context, image.containerfile, named, &out.join(format!("{name}.tar")))?;
    Ok(fs::remove_dir_all(&context)?)
}

/// busybox acts as the program that it is called as.
fn busybox_root(program: &Path, root: &Path) -> Result<()> {
    for folder in ["bin", "sbin", "usr/bin", "usr/sbin", "etc", "tmp"] {
        fs::create_dir_all(root.join(folder))?;
    }
    fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777))?;
    fs::write(
        root.join("etc/passwd"),
        "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n",
    )?;
    fs::copy(program, root.join("bin/busybox"))?;
    for applet in Cmd::new(program).arg("--list-full").read()?.lines() {
        let path = root.join(applet);
        if path.parent().is_some_and(Path::is_dir) && !path.exists() {
            symlink("/bin/busybox", path)?;
        }
    }
    Ok(())
}
