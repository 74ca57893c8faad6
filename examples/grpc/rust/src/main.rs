//! The command line of the example: see `--help`, and docs/grpc.md.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    grpc_example::run(grpc_example::Arguments::parse()).await
}
