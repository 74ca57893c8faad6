//! The command line of [`e2e::bench::revocation`], and nothing else; `cargo xtask bench revocation` runs it.

use clap::Parser;
use e2e::bench::{
    Output,
    revocation::{self, Plan},
};

/// Measures how soon a revoked link is dead for guests who do not cooperate
#[derive(Parser)]
#[command(name = "bench-revocation", version)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
}

// What the cluster's API says must not wait behind hundreds of sessions.
#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    revocation::run(&Cli::parse().plan, Output::STANDARD).await
}
