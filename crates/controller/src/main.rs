//! The controller's process.

use std::process::ExitCode;

use clap::Parser;
use controller::{args::Args, run};

// What a list of ten thousand objects took is given back to the system.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let telemetry = args.telemetry.clone();
    daemon::main("kubeopencode-controller", &telemetry, |daemon| run(args, daemon))
}
