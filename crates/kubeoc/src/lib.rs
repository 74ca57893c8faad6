//! The command line: enables and disables share links of agents. It speaks to
//! the Kubernetes API only, with the user's own permissions.
#![allow(clippy::print_stderr, reason = "a command line talks to its user")]

use std::io::{self, Write};

use clap::CommandFactory;

pub mod cli;
pub mod exit;

mod cluster;
mod patch;
mod progress;
mod refusal;
mod render;
mod share;
mod unshare;

use cli::{AgentCommand, Arguments, Command};

/// Runs one command; its result goes to stdout, what it waits for to stderr.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        Command::Agent(AgentCommand::Share(options)) => share::run(&options).await,
        Command::Agent(AgentCommand::Unshare(options)) => unshare::run(&options).await,
        Command::Completion { shell } => completion(shell),
        Command::Version => print(concat!("kubeoc ", env!("CARGO_PKG_VERSION"), "\n")),
    }
}

fn completion(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "kubeoc", &mut script);
    print(&String::from_utf8(script)?)
}

/// Unlike `print!`, no panic where the reader has gone, as in `kubeoc … | head -1`.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}
