//! The command line of KubeOpenCode.
#![allow(clippy::print_stderr, reason = "a command line talks to its user")]

use std::process::ExitCode;

use kubeoc::{cli::Arguments, completion};

fn main() -> ExitCode {
    let line: Vec<_> = std::env::args_os().collect();
    if completion::answered(&line) {
        return ExitCode::SUCCESS;
    }
    run(Arguments::parse_as(line))
}

#[tokio::main(flavor = "current_thread")]
async fn run(arguments: Arguments) -> ExitCode {
    match kubeoc::run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", kubeoc::exit::report(&error));
            kubeoc::exit::code_of(&error)
        }
    }
}
