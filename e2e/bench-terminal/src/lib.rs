//! A stand-in for OpenCode whose terminal does only what it is told, so that the path to it can be measured:
//! OpenCode's own redraws by itself. It must never pass for OpenCode: terminal and log say what it is.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

mod attach;
mod count;
mod install;
pub mod orders;
pub mod pattern;
pub mod readings;
mod relay;
mod serve;

/// A stand-in for OpenCode, to measure the path of a terminal; without a subcommand it installs itself as `opencode`
#[derive(Debug, Parser)]
#[command(name = "bench-terminal", version)]
pub struct Cli {
    /// Folder that receives the program as `opencode`
    #[arg(long, env = "TOOLS_DIR", default_value = "/tools")]
    tools_dir: PathBuf,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer every HTTP request with 200 and an empty object, as a healthy server would
    Serve(serve::ServeArgs),
    /// Obey the orders that come over the terminal
    Attach {
        /// Where the server is; it is not asked anything
        url: String,
    },
    /// Pass TCP connections on: the floor that a way with hops is compared with
    Relay(relay::RelayArgs),
}

/// Runs until the terminal, or the process, is ended.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.command {
        None => install::install(&cli.tools_dir),
        Some(Command::Serve(args)) => serve::run(&args),
        Some(Command::Attach { .. }) => attach::run(),
        Some(Command::Relay(args)) => relay::run(&args),
    }
}
