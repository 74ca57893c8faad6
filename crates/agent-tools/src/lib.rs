//! What runs inside an agent's pod, as one static binary without needs of its own: no shell, no
//! user database, no writable root.

use clap::{Parser, Subcommand};

pub mod beneath;
pub mod context;
pub mod git;
pub mod install;
pub mod job;
pub mod plugin;
pub mod probe;
pub mod report;
pub mod roots;
pub mod screen;
pub mod url;

/// Tools for the inside of an agent's pod
#[derive(Debug, Parser)]
#[command(name = "agent-tools", version)]
pub struct Cli {
    #[command(subcommand)]
    tool: Tool,
}

#[derive(Debug, Subcommand)]
enum Tool {
    /// Write the files of the agent's contexts
    ContextInit(job::JobArgs),
    /// Copy this binary into a folder, for the other containers of the pod, and the certificates to trust
    Install(install::InstallArgs),
    /// Install the agent's plugins by npm
    PluginInit(plugin::PluginArgs),
    /// Ask the agent's server whether it answers; exits with 1 when it does not
    Probe(probe::ProbeArgs),
    /// Clone a repository before the agent starts
    GitInit(git::GitArgs),
    /// Follow a repository while the agent runs; ends when there is something to report
    GitSync(git::GitArgs),
    /// The agent's terminal
    #[command(subcommand)]
    Screen(screen::ScreenCommand),
    /// Download a URL into a file
    UrlFetch(url::UrlArgs),
}

/// Runs the tool that the command line names.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    match cli.tool {
        Tool::ContextInit(args) => context::run(&args),
        Tool::Install(args) => install::run(&args),
        Tool::PluginInit(args) => plugin::run(&args),
        Tool::Probe(args) => Ok(probe::run(&args)?),
        Tool::GitInit(args) => Ok(git::run_init(&args)?),
        Tool::GitSync(args) => Ok(git::run_sync(&args)?),
        Tool::Screen(command) => Ok(screen::run(command)?),
        Tool::UrlFetch(args) => url::run(&args),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pod is of the release that the controller was when the pod was made; the broker that execs in it may be of the
    /// one before. A flag that it gives is kept for a release, and a new one has a default.
    #[test]
    fn a_broker_of_0_1_0_can_attach() {
        let flags = ["--port", "4096", "--columns", "120", "--rows", "40"];
        let window = ["--window-bytes", "262144"];
        let command = [&["agent-tools", "screen", "attach"][..], &flags, &window].concat();
        Cli::try_parse_from(command).unwrap();
    }
}
