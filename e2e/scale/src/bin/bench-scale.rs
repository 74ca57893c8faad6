//! The command line of [`scale::idle`] and [`scale::links`], and nothing else; `cargo xtask bench scale` runs it.
#![allow(clippy::print_stderr, reason = "a command line tool talks to its terminal")]

use clap::Parser;
use scale::{idle, links};

/// As in the programs whose memory is meant.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bench-scale", version)]
enum Cli {
    /// Measures what an installation costs that nobody uses
    Idle(idle::Plan),
    /// Measures an index of very many links
    Links(links::Plan),
}

// One thread, as the programs have.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let step = |step: &str| eprintln!("- {step}");
    match Cli::parse() {
        Cli::Idle(plan) => idle::run(&plan, step).await,
        Cli::Links(plan) => links::run(&plan, step).await,
    }
}
