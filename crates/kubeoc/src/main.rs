//! The command line of KubeOpenCode.
#![allow(clippy::print_stderr, reason = "a command line talks to its user")]

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = kubeoc::cli::Arguments::parse_as(std::env::args_os());
    match kubeoc::run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", kubeoc::exit::report(&error));
            kubeoc::exit::code_of(&error)
        }
    }
}
