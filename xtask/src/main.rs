//! `cargo xtask`: every development task of the project. It parses arguments and hands over; the work is in the modules.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool talks to its terminal"
)]

mod apt;
mod buildah;
mod cache;
mod cluster;
mod paths;
mod pki;
mod shell;
mod step;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The development tasks of KubeOpenCode.
#[derive(Parser)]
#[command(name = "cargo xtask", version, max_term_width = 120)]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Bring up, take down or look at the cluster that demo and tests run on.
    Cluster(cluster::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().task {
        Task::Cluster(arguments) => cluster::run(&arguments),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
