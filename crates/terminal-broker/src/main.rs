//! The terminal broker's process.

use std::process::ExitCode;

use clap::Parser;
use terminal_broker::{Args, PROGRAM, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let telemetry = args.telemetry.clone();
    daemon::main(PROGRAM, &telemetry, |daemon| run(args, daemon))
}
