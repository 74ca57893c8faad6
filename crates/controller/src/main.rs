//! The controller's process.

use std::process::ExitCode;

use clap::Parser;
use controller::{args::Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let telemetry = args.telemetry.clone();
    match daemon::run("controller", &telemetry, |daemon| run(args, daemon)).await {
        // The reason is in the log.
        Err(_) => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
    }
}
