//! The command line of [`scale::bench`], and nothing else; `cargo xtask bench reconcile` runs it.
#![allow(clippy::print_stderr, reason = "a command line tool talks to its terminal")]

use clap::Parser;
use scale::bench::{self, Plan};

/// Measures what Agents cost the API server and the controller
#[derive(Parser)]
#[command(name = "bench-reconcile", version)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
}

// One thread: the processors are the API server's and the controller's.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    bench::run(&Cli::parse().plan, |step| eprintln!("- {step}")).await
}
