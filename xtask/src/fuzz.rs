//! `cargo xtask fuzz`: what programs in a pod and the pod itself may say, by libFuzzer, from the corpora of `e2e/fuzz`. The tests
//! run these corpora too, without it.

use std::{fs, path::Path};

use anyhow::Result;

use crate::{cargo_tool, paths, shell::Cmd, step};

const VERSION: &str = "0.13.2";
/// Sanitizers are not stable.
const TOOLCHAIN: &str = "nightly";
const FOLDER: &str = "e2e/fuzz";
const TARGETS: [&str; 3] = ["frames", "grid", "trunk"];
/// An input that takes longer hangs, in seconds.
const HANGS: u8 = 10;
/// An input that makes it hold more fills the memory, in MiB.
const FULL: u16 = 1024;

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What is fuzzed; all where none is named.
    #[arg(value_name = "TARGET", value_parser = TARGETS)]
    targets: Vec<String>,
    /// Inputs that are tried of each.
    #[arg(long, default_value_t = 1_000_000)]
    runs: u64,
    /// Add to the corpora what took a way through the code that nothing in them takes.
    #[arg(long)]
    keep: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let tool = cargo_tool::ensure("cargo-fuzz", VERSION)?;
    step::run("nightly toolchain", |_| {
        // A newer one would compile everything anew.
        if Cmd::new("rustup").args(["run", TOOLCHAIN, "rustc", "--version"]).succeeds() {
            return Ok(());
        }
        Cmd::new("rustup").args(["toolchain", "install", TOOLCHAIN, "--profile", "minimal"]).run()
    })?;
    let all = TARGETS.iter().map(|target| (*target).to_owned());
    let named = &arguments.targets;
    for target in if named.is_empty() { all.collect() } else { named.clone() } {
        fuzz(&tool, &target, arguments)?;
    }
    Ok(())
}

fn fuzz(tool: &Path, target: &str, arguments: &Arguments) -> Result<()> {
    let folder = paths::repository().join(FOLDER);
    let (found, corpus) =
        (folder.join("target/found").join(target), folder.join("corpus").join(target));
    fs::create_dir_all(&found)?;
    let fuzz = |inputs: [&Path; 2]| {
        Cmd::new(tool)
            .args(["fuzz", "run", "--fuzz-dir"])
            .arg(&folder)
            .arg(target)
            .args(inputs)
            .args(["--", &format!("-timeout={HANGS}"), &format!("-rss_limit_mb={FULL}")])
            .env("RUSTUP_TOOLCHAIN", TOOLCHAIN)
            .current_dir(&folder)
    };
    eprintln!("fuzzing {target}");
    // The first folder is where new inputs go.
    fuzz([&found, &corpus])
        .args([&format!("-runs={}", arguments.runs), "-print_final_stats=1"])
        .show()?;
    if arguments.keep { fuzz([&corpus, &found]).arg("-merge=1").show() } else { Ok(()) }
}
