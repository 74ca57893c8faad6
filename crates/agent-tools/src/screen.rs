//! The agent's terminal: a program on a PTY, shown to whoever speaks [`screen_wire`] frames over
//! the standard streams. One process holds it for all of them ([`holder`]); each comes by an [`attach`]
//! of its own. The terminal itself ([`pty`], [`session`]) must not know who watches it.

use std::{
    ffi::OsString,
    io,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{builder::TypedValueParser, value_parser};
use screen_wire::{Comes, Join, OUTPUT_WINDOW_BYTES, PING_INTERVAL, SILENCE_MAX};
use tokio::runtime::{Builder, Runtime};

mod answers;
mod attach;
mod descriptor;
mod desk;
mod error;
mod folder;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod grid;
mod handover;
mod holder;
mod pty;
mod ring;
mod sequences;
mod serve;
mod session;
mod session_leader;
mod size;
mod stop;
mod timer;
mod typed;
mod viewer;
mod window;

pub use error::ScreenError;
use folder::{Folder, Name, Place};

/// What a viewer may ask for: less makes small frames of everything, more is a burden on the pod.
const WINDOW_BYTES: RangeInclusive<u64> = 4 * 1024..=1024 * 1024;
/// How long a terminal is held without viewers.
const IDLE: Duration = Duration::from_mins(5);
/// Of the volume that every agent's pod has, and that every user of it may write to.
const FOLDER: &str = "/tools/.screen";

#[derive(clap::Subcommand, Debug)]
pub enum ScreenCommand {
    /// Show the agent's TUI to one viewer by frames over stdin and stdout; all viewers see the same
    Attach(AttachArgs),
    /// Hold a terminal for those who attach; stdin is the socket that they come to
    #[command(hide = true)]
    Serve(ServeArgs),
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
    #[command(flatten)]
    terminal: TerminalArgs,
    /// Where the viewer is that comes, perhaps again, as JSON; it is told from where it goes on
    #[arg(long, hide = true, requires = "name", value_parser = join)]
    join: Option<Join>,
    /// Carry many viewers, who come and go by frames; the size is that of a terminal that is not there yet
    #[arg(long, hide = true, requires = "name", conflicts_with = "join")]
    trunk: bool,
    /// Command to run instead of the agent's TUI
    #[arg(last = true)]
    command: Vec<OsString>,
}

#[derive(clap::Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    terminal: TerminalArgs,
    #[arg(required = true, last = true)]
    command: Vec<OsString>,
}

/// Which of a pod's terminals it is.
#[derive(clap::Args, Debug)]
struct TerminalArgs {
    /// Name of the terminal, for all who attach to it: lower-case letters, digits and hyphens; without one it is this
    /// viewer's own and ends with it
    #[arg(long, hide = true)]
    name: Option<Name>,
    /// Folder of the sockets, for this user alone
    #[arg(long, hide = true, default_value = FOLDER)]
    folder: PathBuf,
    /// Milliseconds without viewers after which the terminal is ended
    #[arg(long, hide = true, default_value_t = milliseconds(IDLE))]
    idle_ms: u64,
}

/// Runs until the program ends or its viewer has gone.
pub fn run(command: ScreenCommand) -> Result<(), ScreenError> {
    match command {
        ScreenCommand::Attach(args) => {
            let hello = args.hello()?;
            let (place, serve) = (args.terminal.place()?, args.serve());
            let terminal = attach::Terminal { place, serve };
            let runtime = runtime().map_err(ScreenError::Runtime)?;
            runtime.block_on(attach::attach(&terminal, hello))
        }
        ScreenCommand::Serve(args) => {
            let place = args.terminal.place()?;
            let idle = Duration::from_millis(args.terminal.idle_ms);
            let runtime = runtime().map_err(ScreenError::Runtime)?;
            runtime.block_on(serve::serve(&args.command, place, idle))
        }
        ScreenCommand::SessionLeader { command } => Err(session_leader::run(&command)),
    }
}

/// One thread is plenty for one terminal, and a pod pays for each.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

impl TerminalArgs {
    /// Where the terminal's socket is, if others may come to it.
    fn place(&self) -> Result<Option<Place>, ScreenError> {
        let place =
            |name: &Name| Ok(Place { folder: Folder::open(&self.folder)?, name: name.clone() });
        self.name.as_ref().map(place).transpose()
    }
}

impl AttachArgs {
    fn hello(&self) -> Result<handover::Hello, ScreenError> {
        size::Size::new(self.columns, self.rows).ok_or(ScreenError::NoSize)?;
        Ok(handover::Hello {
            columns: self.columns,
            rows: self.rows,
            window_bytes: self.window_bytes,
            alive_ms: self.alive_ms,
            silence_ms: self.silence_ms,
            comes: if self.trunk { Comes::Trunk } else { Comes::Alone(self.join) },
        })
    }

    /// The arguments of the holder.
    fn serve(&self) -> Vec<OsString> {
        let TerminalArgs { name, folder, idle_ms } = &self.terminal;
        // The holder leaves the folder that a relative path would be of.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| Path::new(folder).to_owned());
        let mut arguments = ["screen", "serve"].map(OsString::from).to_vec();
        if let Some(name) = name {
            arguments.extend(["--name".into(), name.to_string().into()]);
            arguments.extend(["--folder".into(), folder.into()]);
            arguments.extend(["--idle-ms".into(), idle_ms.to_string().into()]);
        }
        arguments.push("--".into());
        arguments.extend(self.program());
        arguments
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

fn join(json: &str) -> Result<Join, serde_json::Error> {
    serde_json::from_str(json)
}

fn window_bytes() -> impl TypedValueParser<Value = usize> {
    value_parser!(u64).range(WINDOW_BYTES).try_map(usize::try_from)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
