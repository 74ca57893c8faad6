//! Building for another machine than this one: GNU's cross compiler, which links, and QEMU, which runs what was built.

use std::{fs, path::Path};

use anyhow::{Context, Result};

use super::Platform;
use crate::{
    apt::{self, Needed},
    paths,
    shell::Cmd,
};

/// The kernel's list of emulators.
const EMULATORS: &str = "/proc/sys/fs/binfmt_misc";

/// The flag that makes a compiler use the linker that comes with Rust, as it does by itself for its own machine.
pub(super) fn link_by_lld() -> Result<String> {
    let root = rustc(&["--print", "sysroot"])?;
    let host = Platform::host().triple();
    Ok(format!("-C link-arg=-B{root}/lib/rustlib/{host}/bin/gcc-ld -C link-arg=-fuse-ld=lld"))
}

/// Installs what compiles for `platform`.
pub(super) fn ensure_compiler(platform: Platform) -> Result<()> {
    apt::ensure(&match platform {
        Platform::Amd64 => [
            Needed { program: "x86_64-linux-gnu-gcc", package: "gcc-x86-64-linux-gnu" },
            Needed {
                program: "/usr/x86_64-linux-gnu/lib/libc.a",
                package: "libc6-dev-amd64-cross",
            },
        ],
        Platform::Arm64 => [
            Needed { program: "aarch64-linux-gnu-gcc", package: "gcc-aarch64-linux-gnu" },
            Needed {
                program: "/usr/aarch64-linux-gnu/lib/libc.a",
                package: "libc6-dev-arm64-cross",
            },
        ],
    })?;
    Cmd::new("rustup")
        .args(["target", "add", &platform.triple()])
        .current_dir(paths::repository())
        .run()
}

/// A cargo that links by that compiler.
pub(super) fn with_linker(cargo: Cmd, platform: Platform) -> Cmd {
    let triple = platform.triple().replace('-', "_");
    let variable = format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase());
    cargo.env(&variable, format!("{}-linux-gnu-gcc", platform.machine()))
}

/// `program`, ready for its arguments: by itself on its own platform, else by QEMU.
pub(super) fn runner(platform: Platform, program: &Path) -> Result<Cmd> {
    if platform == Platform::host() {
        return Ok(Cmd::new(program));
    }
    Ok(Cmd::new(emulator(platform)?).arg(program))
}

/// Registers QEMU with the kernel, so that it runs programs of `platform`; where systemd runs, it has done that.
pub(super) fn ensure_emulation(platform: Platform) -> Result<()> {
    if platform == Platform::host() {
        return Ok(());
    }
    emulator(platform)?;
    // mmdebstrap asks it whether programs of the platform run.
    apt::ensure(&[Needed { program: "arch-test", package: "arch-test" }])?;
    let name = format!("qemu-{}", platform.machine());
    let list = Path::new(EMULATORS);
    if list.join(&name).exists() {
        return Ok(());
    }
    let way_out = || {
        format!(
            "the kernel does not run programs of {platform}, and QEMU cannot be registered from here: \
             run `systemctl restart systemd-binfmt`, which registers {name}"
        )
    };
    if !list.join("register").exists() {
        Cmd::new("mount")
            .args(["-t", "binfmt_misc", "binfmt_misc", EMULATORS])
            .run()
            .with_context(way_out)?;
    }
    let line = fs::read(format!("/usr/lib/binfmt.d/{name}.conf")).with_context(way_out)?;
    fs::write(list.join("register"), line).with_context(way_out)
}

fn emulator(platform: Platform) -> Result<&'static str> {
    let program = match platform {
        Platform::Amd64 => "/usr/bin/qemu-x86_64-static",
        Platform::Arm64 => "/usr/bin/qemu-aarch64-static",
    };
    apt::ensure(&[Needed { program, package: "qemu-user-static" }])?;
    Ok(program)
}

/// Which compiler works here, and what it is made for.
pub(crate) fn compiler() -> Result<String> {
    rustc(&["--version", "--verbose"])
}

fn rustc(arguments: &[&str]) -> Result<String> {
    Cmd::new("rustc").args(arguments).current_dir(paths::repository()).read()
}
