//! The command line of [`e2e::bench`], and nothing else; `cargo xtask bench path` runs it.

use clap::Parser;
use e2e::bench::{self, Output, Plan};

/// Measures the terminal's path beside a direct exec into the same pod
#[derive(Parser)]
#[command(name = "bench-path", version)]
struct Cli {
    #[command(flatten)]
    plan: Plan,
}

// One thread, so that no lane pays for a wake-up of another.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    bench::path(&Cli::parse().plan, Output::STANDARD).await
}
