//! The example in `examples/grpc/rust` as it is, under a name of its own: cargo hands a test only the programs of its own package.

use std::process::ExitCode;

use clap::Parser;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    grpc_example::run(grpc_example::Arguments::parse()).await
}
