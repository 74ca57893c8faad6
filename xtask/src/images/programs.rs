//! The images of our own programs: FROM scratch, one static binary, no root, at most 25 MB each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{Image, Parts, target};
use crate::{paths, shell::Cmd, step, web};

/// The most that an image may hold, in bytes.
const MOST_BYTES: u64 = 25 * 1000 * 1000;

/// Static; the same code once, and relocations packed (`DT_RELR`): together a tenth of the size.
const RUSTFLAGS: &str = "-C target-feature=+crt-static -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs";

/// Each is a crate, its binary and its image.
const PROGRAMS: [&str; 6] =
    ["controller", "gateway", "terminal-broker", "agent-tools", "kubeoc", "scripted-model"];

/// Measured by the benchmarks, in the place of `OpenCode`.
const BENCH_TERMINAL: &str = "bench-terminal";

/// Compiles all programs in one go and packs each. The gateway embeds the page, so that comes first.
pub(super) fn build() -> Result<Vec<Image>> {
    web::build()?;
    step::run("programs compiled, static", |_| compile(&PROGRAMS))?;
    PROGRAMS.into_iter().map(|name| pack(name, &path(name)?)).collect()
}

/// The benchmarks' drivers, which need no image, and the program that they measure.
pub(super) fn build_bench() -> Result<Vec<Image>> {
    step::run("benchmark compiled, static", |_| compile(&["e2e", BENCH_TERMINAL]))?;
    Ok(vec![pack(BENCH_TERMINAL, &path(BENCH_TERMINAL)?)?])
}

/// The controller, and the drivers that start it as a process of their own.
pub(super) fn build_scale() -> Result<()> {
    step::run("controller and its drivers compiled, static", |_| compile(&["controller", "scale"]))
}

/// Every program of an installation, and the same drivers.
pub(super) fn build_installation() -> Result<()> {
    web::build()?;
    step::run("installation and its drivers compiled, static", |_| {
        compile(&["controller", "gateway", "terminal-broker", "scale"])
    })
}

fn compile(packages: &[&str]) -> Result<()> {
    let triple = host_target()?;
    let mut cargo = Cmd::new("cargo")
        .args(["build", "--release", "--locked", "--quiet", "--target", &triple, "--target-dir"])
        .arg(target::claim()?);
    for name in packages {
        cargo = cargo.args(["--package", name]);
    }
    // A named target keeps the flag away from build scripts and macros, which must load libraries.
    cargo.env("RUSTFLAGS", RUSTFLAGS).current_dir(paths::repository()).run()?;
    Ok(())
}

/// Where the last build left the program `name`.
pub(crate) fn path(name: &str) -> Result<PathBuf> {
    Ok(target::folder()?.join(host_target()?).join("release").join(name))
}

fn host_target() -> Result<String> {
    let version = Cmd::new("rustc").arg("-vV").current_dir(paths::repository()).read()?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

fn pack(name: &'static str, binary: &Path) -> Result<Image> {
    let bytes = fs::metadata(binary).with_context(|| binary.display().to_string())?.len();
    ensure!(bytes <= MOST_BYTES, "{name} has {bytes} bytes, and {MOST_BYTES} is the limit");
    let containerfile = format!(
        "FROM scratch\nCOPY --chmod=0755 {name} /{name}\nUSER 65532:65532\nENTRYPOINT [\"/{name}\"]\n"
    );
    let mut parts = Parts::new(name, containerfile);
    parts.key = parts.key.path(binary)?;
    parts.image(&format!("image {name}, {:.1} MB", megabytes(bytes)), |context| {
        fs::copy(binary, context.join(name))?;
        Ok(())
    })
}

#[allow(clippy::cast_precision_loss, reason = "for people, with one digit")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
