//! The command line: shows agents, suspends and resumes them, enables and disables their share links, shows
//! their terminals, and keeps an installation in order. It speaks to the Kubernetes API with the user's own permissions, and
//! where it is asked to, opens a link from outside.
#![allow(clippy::print_stderr, reason = "a command line talks to its user")]

use std::{
    cell::RefCell,
    io::{self, Write},
};

use time::OffsetDateTime;

pub mod cli;
pub mod completion;
pub mod exit;

mod advice;
mod attach;
mod certificates;
mod check;
mod cluster;
mod get;
mod installation;
mod links;
mod logs;
mod patch;
mod progress;
mod refusal;
mod render;
mod share;
mod state;
mod status;
mod stored;
mod suspend;
mod table;
mod terminal;
mod unshare;
mod version;

use cli::{AgentCommand, Arguments, CertificatesCommand, Command, GetCommand};

/// Runs one command; its result goes to stdout, what it waits for to stderr.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    match arguments.command {
        // On the heap: an Agent is large, and so is what waits for one.
        Command::Get(GetCommand::Agents(options)) => Box::pin(get::agents(&options)).await,
        Command::Get(GetCommand::Templates(options)) => get::templates(&options).await,
        Command::Agent(command) => Box::pin(agent(command)).await,
        Command::Certificates(command) => certificates(command).await,
        Command::Check(options) => check::run(&options).await,
        Command::Completion { shell } => completion_script(shell),
        Command::Version(options) => version::run(&options).await,
    }
}

async fn agent(command: AgentCommand) -> anyhow::Result<()> {
    match command {
        AgentCommand::Status(options) => status::run(&options).await,
        AgentCommand::Logs(options) => logs::run(&options).await,
        AgentCommand::Attach(options) => Box::pin(attach::run(&options)).await,
        AgentCommand::Suspend(options) => suspend::suspend(&options).await,
        AgentCommand::Resume(options) => suspend::resume(&options).await,
        AgentCommand::Links(options) => links::run(&options).await,
        AgentCommand::Share(options) => share::run(&options).await,
        AgentCommand::Unshare(options) => unshare::run(&options).await,
    }
}

async fn certificates(command: CertificatesCommand) -> anyhow::Result<()> {
    match command {
        CertificatesCommand::Renew(options) => certificates::renew(&options).await,
        CertificatesCommand::Issue(options) => certificates::issue(&options).await,
        CertificatesCommand::Remove(options) => certificates::remove(&options).await,
    }
}

/// The script calls this program as it was called itself.
fn completion_script(shell: clap_complete::Shell) -> anyhow::Result<()> {
    let called = std::env::args_os().next().unwrap_or_default();
    print(&completion::script(shell, &called)?)
}

/// Whether anybody reads stdout any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reader {
    Listens,
    /// As in `kubeoc … | head -1`.
    Gone,
}

/// Unlike `print!`, no panic where the reader has gone.
fn write(output: &[u8]) -> anyhow::Result<Reader> {
    match io::stdout().write_all(output).and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Reader::Gone),
        written => Ok(written.map(|()| Reader::Listens)?),
    }
}

/// The last that a command prints.
fn print(text: &str) -> anyhow::Result<()> {
    write(text.as_bytes()).map(|_| ())
}

/// Prints what a command waits for, once for each new cause.
fn report_wait(waiting_for: &RefCell<String>, what: String) {
    if *waiting_for.borrow() != what {
        eprintln!("waiting for {}", terminal::line(&what));
        waiting_for.replace(what);
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
