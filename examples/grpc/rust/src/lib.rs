//! A tool of one's own beside the gateway: it opens a terminal by a share link's token, lists sessions and closes
//! them. Which of these it may do is said by its certificate. docs/grpc.md explains the calls.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line talks to its user")]

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

mod brokers;
mod sessions;
mod terminal;

use brokers::{Brokers, told};
use sessions::Filter;
use terminal::Opening;

/// Opens terminals of agents, lists sessions and closes them
#[derive(Debug, Parser)]
pub struct Arguments {
    /// A broker, or a name with the addresses of many; may be repeated
    #[arg(
        long = "broker",
        value_name = "HOST:PORT",
        default_value = "kubeopencode-terminal-broker.kubeopencode-system:50051"
    )]
    brokers: Vec<String>,

    /// Folder of tls.crt, tls.key and ca.crt, as the tool's Secret is mounted
    #[arg(long, value_name = "FOLDER", default_value = "/etc/kubeopencode/tls")]
    tls_dir: PathBuf,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Print the open sessions of all brokers, one a line: session, agent, viewer's address, broker
    List(Filter),
    /// End a session
    Close {
        session_id: String,
        /// Why, for the viewer to read
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Open a terminal: what comes on stdin is typed, and what the program shows goes to stdout
    Attach(Opening),
}

/// Does what `arguments` ask for, or says why not.
pub async fn run(arguments: Arguments) -> ExitCode {
    do_it(arguments).await.unwrap_or_else(|error| {
        eprintln!("error: {}", told(&error));
        ExitCode::FAILURE
    })
}

async fn do_it(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let brokers = Brokers::find(&arguments.brokers, &arguments.tls_dir).await?;
    match arguments.command {
        Command::List(filter) => sessions::list(&brokers, &filter).await,
        Command::Close { session_id, reason } => {
            sessions::close(&brokers, &session_id, &reason).await
        }
        Command::Attach(opening) => terminal::attach(&brokers, opening).await,
    }
}
