//! The agent's terminal: a program on a PTY, shown to whoever speaks [`screen_wire`] frames over the
//! standard streams. The terminal itself ([`pty`], [`session`]) must not know who watches it.

use std::{ffi::OsString, io};

use tokio::runtime::{Builder, Runtime};

mod attach;
mod descriptor;
mod error;
mod lead;
mod pty;
mod session;
mod stop;
mod viewer;

pub use error::ScreenError;

#[derive(clap::Subcommand, Debug)]
pub enum ScreenCommand {
    /// Run the agent's TUI on a PTY and exchange frames with one viewer over stdin and stdout
    Attach(AttachArgs),
    /// Become the leader of a new session on the terminal that is stdin, then run COMMAND
    #[command(hide = true)]
    Lead {
        #[arg(required = true, last = true)]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args, Debug)]
pub struct AttachArgs {
    /// Port of the agent's server on the loopback
    #[arg(long, default_value_t = 4096)]
    port: u16,
    /// Width of the terminal in character cells
    #[arg(long)]
    columns: u16,
    /// Height of the terminal in character cells
    #[arg(long)]
    rows: u16,
    /// What to run instead of the agent's TUI
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Runs until the program ends or its viewer has gone.
pub fn run(command: ScreenCommand) -> Result<(), ScreenError> {
    match command {
        ScreenCommand::Attach(args) => {
            let runtime = runtime().map_err(ScreenError::Runtime)?;
            runtime.block_on(attach::attach(args.size()?, &args.program()))
        }
        ScreenCommand::Lead { command } => Err(lead::lead(&command)),
    }
}

/// One thread is plenty for one terminal, and a pod pays for each.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl AttachArgs {
    fn size(&self) -> Result<pty::Size, ScreenError> {
        pty::Size::new(self.columns, self.rows).ok_or(ScreenError::NoSize)
    }

    fn program(&self) -> Vec<OsString> {
        if self.command.is_empty() {
            let server = format!("http://localhost:{}", self.port);
            ["/tools/opencode", "attach", &server].map(OsString::from).to_vec()
        } else {
            self.command.clone()
        }
    }
}
