//! The gateway's process: arguments in, exit code out.

use clap::Parser;
use gateway::{args::Args, run::run};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let telemetry = args.telemetry.clone();
    daemon::run("gateway", &telemetry, |daemon| run(args, daemon)).await?;
    Ok(())
}
