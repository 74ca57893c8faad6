//! The terminal broker's process.

use clap::Parser as _;
use terminal_broker::{Args, run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    Ok(run(Args::parse()).await?)
}
