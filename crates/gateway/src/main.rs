//! The gateway's process: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use gateway::{args::Args, run::run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let telemetry = args.telemetry.clone();
    daemon::main("kubeopencode-gateway", &telemetry, |daemon| run(args, daemon))
}
