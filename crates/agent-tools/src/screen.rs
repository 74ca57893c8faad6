//! The agent's terminal: a program on a PTY, shown to whoever speaks [`screen_wire`] frames over
//! the standard streams. The terminal itself ([`pty`], [`session`]) must not know who watches it.

use std::{ffi::OsString, io, ops::RangeInclusive, time::Duration};

use clap::{builder::TypedValueParser, value_parser};
use screen_wire::{OUTPUT_WINDOW_BYTES, PING_INTERVAL, SILENCE_MAX};
use tokio::runtime::{Builder, Runtime};

mod attach;
mod descriptor;
mod drain;
mod error;
mod pty;
mod relay;
mod session;
mod session_leader;
mod stop;
mod timer;
mod viewer;
mod window;

pub use error::ScreenError;

/// What a viewer may ask for: less makes small frames of everything, more is a burden on the pod.
const WINDOW_BYTES: RangeInclusive<u64> = 4 * 1024..=1024 * 1024;

#[derive(clap::Subcommand, Debug)]
pub enum ScreenCommand {
    /// Run the agent's TUI on a PTY and exchange frames with one viewer over stdin and stdout
    Attach(AttachArgs),
    /// Run COMMAND as the leader of a new session whose terminal is stdin
    #[command(hide = true)]
    SessionLeader {
        #[arg(required = true, last = true)]
        command: Vec<OsString>,
    },
}

#[derive(clap::Args, Debug)]
pub struct AttachArgs {
    /// Port of the agent's server on localhost
    #[arg(long, default_value_t = 4096)]
    port: u16,
    /// Width of the terminal in character cells, at most 1000
    #[arg(long)]
    columns: u16,
    /// Height of the terminal in character cells, at most 1000
    #[arg(long)]
    rows: u16,
    /// Maximum number of output bytes sent and not yet credited by the viewer
    #[arg(long, default_value_t = OUTPUT_WINDOW_BYTES, value_parser = window_bytes())]
    window_bytes: usize,
    /// Milliseconds between two signs of life
    #[arg(long, hide = true, default_value_t = milliseconds(PING_INTERVAL))]
    alive_ms: u64,
    /// Milliseconds of silence after which the viewer is considered dead
    #[arg(long, hide = true, default_value_t = milliseconds(SILENCE_MAX))]
    silence_ms: u64,
    /// Command to run instead of the agent's TUI
    #[arg(last = true)]
    command: Vec<OsString>,
}

/// Runs until the program ends or its viewer has gone.
pub fn run(command: ScreenCommand) -> Result<(), ScreenError> {
    match command {
        ScreenCommand::Attach(args) => {
            let runtime = runtime().map_err(ScreenError::Runtime)?;
            runtime.block_on(attach::attach(&args.program(), args.settings()?))
        }
        ScreenCommand::SessionLeader { command } => Err(session_leader::run(&command)),
    }
}

/// One thread is plenty for one terminal, and a pod pays for each.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl AttachArgs {
    fn settings(&self) -> Result<relay::Settings, ScreenError> {
        Ok(relay::Settings {
            size: pty::Size::new(self.columns, self.rows).ok_or(ScreenError::NoSize)?,
            window_bytes: self.window_bytes,
            pace: timer::Pace {
                alive: Duration::from_millis(self.alive_ms),
                silence_max: Duration::from_millis(self.silence_ms),
            },
        })
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

fn window_bytes() -> impl TypedValueParser<Value = usize> {
    value_parser!(u64).range(WINDOW_BYTES).try_map(usize::try_from)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
