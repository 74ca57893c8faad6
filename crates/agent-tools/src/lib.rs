//! What runs inside an agent's pod, as one static binary without needs of its own: no shell, no
//! user database, no writable root.

use clap::{Parser, Subcommand};

pub mod git;
pub mod install;
pub mod probe;
pub mod report;
pub mod screen;

/// Tools for the inside of an agent's pod
#[derive(Debug, Parser)]
#[command(name = "agent-tools", version)]
pub struct Cli {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Copy this binary into a folder, for the other containers of the pod
    Install(install::InstallArgs),
    /// Ask the agent's server whether it answers; exits with 1 when it does not
    Probe(probe::ProbeArgs),
    /// Clone a repository before the agent starts
    GitInit(git::GitArgs),
    /// Follow a repository while the agent runs; ends when there is something to report
    GitSync(git::GitArgs),
    /// The agent's terminal
    #[command(subcommand)]
    Screen(screen::ScreenCommand),
}

/// Runs the tool that the command line names.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.tool {
        Tool::Install(args) => Ok(install::install(&args)?),
        Tool::Probe(args) => Ok(probe::run(&args)?),
        Tool::GitInit(args) => Ok(git::run_init(&args)?),
        Tool::GitSync(args) => Ok(git::run_sync(&args)?),
        Tool::Screen(command) => Ok(screen::run(command)?),
    }
}
