//! The command line of [`e2e::bench::viewers`], and nothing else; `cargo xtask bench viewers` runs it.

use clap::Parser;
use e2e::bench::{
    Output,
    viewers::{self, Plan},
};

/// Measures what many viewers of one terminal cost, and what one that stalls does to the others
#[derive(Parser)]
#[command(name = "bench-viewers", version)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
}

// One thread, so that nobody pays for a wake-up of another.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    viewers::run(&Cli::parse().plan, Output::STANDARD).await
}
