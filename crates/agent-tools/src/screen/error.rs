//! Every way in which showing a terminal can fail.

use std::{ffi::OsString, io};

use screen_wire::{Frame, WireError};

#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    #[error("a terminal needs at least one column and one row")]
    NoSize,
    #[error("the runtime cannot start")]
    Runtime(#[source] io::Error),
    #[error("{stream} cannot be waited for; it must be a pipe, a socket or a terminal")]
    Stream { stream: &'static str, source: io::Error },
    #[error("no pseudo-terminal can be had")]
    Pty(#[source] io::Error),
    #[error("the session cannot start")]
    Session(#[source] io::Error),
    #[error("cannot run {}", program.display())]
    Program { program: OsString, source: io::Error },
    #[error("the terminal failed")]
    Terminal(#[source] io::Error),
    #[error("the viewer cannot be read")]
    Wire(#[from] WireError),
    #[error("the viewer sent {0:?}, which only a screen may send")]
    Direction(Frame),
    #[error("the viewer cannot be written to")]
    Output(#[source] io::Error),
}

impl ScreenError {
    /// A short, constant name for metrics.
    pub fn category(&self) -> &'static str {
        match self {
            Self::NoSize => "no_size",
            Self::Runtime(_) => "runtime",
            Self::Stream { .. } => "stream",
            Self::Pty(_) => "pty",
            Self::Session(_) => "session",
            Self::Program { .. } => "program",
            Self::Terminal(_) => "terminal",
            Self::Wire(_) => "wire",
            Self::Direction(_) => "direction",
            Self::Output(_) => "output",
        }
    }
}
