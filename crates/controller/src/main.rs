//! The controller's process.

use std::process::ExitCode;

use clap::Parser;
use controller::{args::Args, run};

fn main() -> ExitCode {
    let args = Args::parse();
    let telemetry = args.telemetry.clone();
    daemon::main("kubeopencode-controller", &telemetry, |daemon| run(args, daemon))
}
