//! The images of our own programs: FROM scratch, one static binary, no root, at most 25 MB each.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{Image, Parts, Platform, cross, sources::Sources, target};
use crate::{
    cache::{Origin, get_or_build},
    dependencies::Dependencies,
    paths,
    shell::Cmd,
    step, web,
};

/// The most that an image may hold, in bytes.
const MOST_BYTES: u64 = 25 * 1000 * 1000;

/// Static; the same code once, and relocations packed (`DT_RELR`): together a tenth of the size.
const RUSTFLAGS: &str = "-C target-feature=+crt-static -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs";

/// Each is a crate, its binary and its image.
pub(crate) const NAMES: [&str; 6] =
    ["controller", "gateway", "terminal-broker", "agent-tools", "kubeoc", "scripted-model"];

/// Measured by the benchmarks, in the place of `OpenCode`.
const BENCH_TERMINAL: &str = "bench-terminal";

/// Those of our programs that `only` names; all where it is empty.
pub(super) fn wanted(only: &[String]) -> Vec<&'static str> {
    let wanted = |name: &&str| only.is_empty() || only.iter().any(|one| one == name);
    NAMES.into_iter().filter(wanted).collect()
}

/// Compiles programs in one go and packs each. The gateway embeds the page, so that comes first.
pub(super) fn build(platform: Platform, names: &[&'static str]) -> Result<Vec<Image>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if names.contains(&"gateway") {
        web::build()?;
    }
    step::run(&format!("programs compiled, static, {platform}"), |step| {
        step.note(compile_once(names, platform)?.note());
        Ok(())
    })?;
    names.iter().map(|name| pack(name, platform, &path(name, platform)?)).collect()
}

/// Runs each of `names` once, by QEMU where it is for another machine: it prints its version.
pub(super) fn smoke(platform: Platform, names: &[&str]) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    step::run(&format!("programs run, {platform}"), |_| {
        names.iter().try_for_each(|name| {
            let said = cross::runner(platform, &path(name, platform)?)?.arg("--version").read()?;
            ensure!(said.contains(env!("CARGO_PKG_VERSION")), "{name} --version printed {said:?}");
            Ok(())
        })
    })
}

/// The benchmarks' drivers, which need no image, and the program that they measure.
pub(super) fn build_bench() -> Result<Vec<Image>> {
    let host = Platform::host();
    step::run("benchmark compiled, static", |_| compile(&["e2e", BENCH_TERMINAL], host))?;
    Ok(vec![pack(BENCH_TERMINAL, host, &path(BENCH_TERMINAL, host)?)?])
}

/// The controller, and the drivers that start it as a process of their own.
pub(super) fn build_scale() -> Result<()> {
    step::run("controller and its drivers compiled, static", |_| {
        compile(&["controller", "scale"], Platform::host())
    })
}

/// Every program of an installation, and the same drivers.
pub(super) fn build_installation() -> Result<()> {
    web::build()?;
    step::run("installation and its drivers compiled, static", |_| {
        compile(&["controller", "gateway", "terminal-broker", "scale"], Platform::host())
    })
}

/// Compiles the programs, unless a checkout of this machine has compiled the same before.
fn compile_once(names: &[&str], platform: Platform) -> Result<Origin> {
    let Some(sources) = Sources::of_checkout()? else {
        compile(names, platform)?;
        return Ok(Origin::New);
    };
    let mut key =
        sources.key()?.bytes(cross::compiler()?).bytes(RUSTFLAGS).bytes(platform.triple());
    for name in names {
        key = key.bytes(name);
    }
    let built = get_or_build(&format!("programs-{}", platform.architecture()), key, |out| {
        compile_ours(names, platform)?;
        for name in names {
            let program = path(name, platform)?;
            sources.cover(&program)?;
            fs::copy(program, out.join(name))?;
        }
        Ok(())
    })?;
    if built.origin == Origin::Cache {
        target::claim()?;
        for name in names {
            take(&built.path.join(name), &path(name, platform)?)?;
        }
    }
    Ok(built.origin)
}

/// Cargo links what it compiled to this place, so a file that is there is replaced and not written to.
fn take(program: &Path, place: &Path) -> Result<()> {
    fs::create_dir_all(place.parent().context("a file is in a folder")?)?;
    if place.exists() {
        fs::remove_file(place)?;
    }
    fs::copy(program, place).with_context(|| place.display().to_string())?;
    Ok(())
}

/// Compiles what of the programs is ours, where their dependencies were compiled before.
fn compile_ours(names: &[&str], platform: Platform) -> Result<()> {
    let dependencies = Dependencies::of(platform.architecture(), target::claim()?, RUSTFLAGS)?;
    dependencies.restore()?;
    cargo(names, platform)?.run()?;
    if names != NAMES {
        // Of fewer programs there are fewer.
        return Ok(());
    }
    dependencies.keep([cargo(names, platform)?.arg("--message-format=json")])
}

fn compile(packages: &[&str], platform: Platform) -> Result<()> {
    cargo(packages, platform)?.run()
}

fn cargo(packages: &[&str], platform: Platform) -> Result<Cmd> {
    let triple = platform.triple();
    let mut cargo = Cmd::new("cargo")
        .args(["build", "--release", "--locked", "--quiet", "--target", &triple, "--target-dir"])
        .arg(target::claim()?);
    for name in packages {
        cargo = cargo.args(["--package", name]);
    }
    let mut flags = RUSTFLAGS.to_owned();
    if platform != Platform::host() {
        cross::ensure_compiler(platform)?;
        cargo = cross::with_linker(cargo, platform);
        flags = format!("{flags} {}", cross::link_by_lld()?);
    }
    // A named target keeps the flags away from build scripts and macros, which must load libraries.
    Ok(cargo.env("RUSTFLAGS", flags).current_dir(paths::repository()))
}

/// Where the last build left the program `name`.
pub(crate) fn path(name: &str, platform: Platform) -> Result<PathBuf> {
    Ok(target::folder()?.join(platform.triple()).join("release").join(name))
}

fn pack(name: &'static str, platform: Platform, binary: &Path) -> Result<Image> {
    let bytes = fs::metadata(binary).with_context(|| binary.display().to_string())?.len();
    ensure!(bytes <= MOST_BYTES, "{name} has {bytes} bytes, and {MOST_BYTES} is the limit");
    let containerfile = format!(
        "FROM scratch\nCOPY --chmod=0755 {name} /{name}\nUSER 65532:65532\nENTRYPOINT [\"/{name}\"]\n"
    );
    let mut parts = Parts::new(name, platform, containerfile);
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
