//! The command line of [`e2e::bench::starts`], and nothing else; `cargo xtask bench starts` runs it.

use clap::Parser;
use e2e::bench::{
    Output,
    starts::{self, Plan},
};

/// Measures how long a user waits for an agent that is created, or woken by a click
#[derive(Parser)]
#[command(name = "bench-starts", version)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    starts::run(&Cli::parse().plan, Output::STANDARD).await
}
