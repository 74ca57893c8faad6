//! Every way in which showing a terminal can fail.

use std::{ffi::OsString, io};

use screen_wire::{Frame, WireError};

use super::{folder::FolderError, window::WindowExceeded};

#[derive(Debug, thiserror::Error)]
pub enum ScreenError {
    #[error("a terminal needs at least one column and one row")]
    NoSize,
    #[error("the runtime cannot start")]
    Runtime(#[source] io::Error),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("cannot reach or start the process that holds the terminal")]
    Holder(#[source] io::Error),
    #[error("the process that holds the terminal ends whenever it is started")]
    NoHolder,
    #[error("the process that held the terminal was killed")]
    HolderDied,
    /// In the words of the holder.
    #[error("{0}")]
    Shown(String),
    #[error("{0} viewers look at this terminal already")]
    Full(usize),
    #[error("cannot wait for {stream}; it must be a pipe, a socket or a terminal")]
    Stream { stream: &'static str, source: io::Error },
    #[error("cannot open a pseudo-terminal")]
    Pty(#[source] io::Error),
    #[error("the session cannot start")]
    Session(#[source] io::Error),
    #[error("cannot run {}", program.display())]
    Program { program: OsString, source: io::Error },
    #[error("the terminal failed")]
    Terminal(#[source] io::Error),
    #[error("the viewer cannot be read")]
    Input(#[source] io::Error),
    #[error("the viewer does not speak the protocol")]
    Wire(#[from] WireError),
    #[error("the viewer sent more than it was allowed to")]
    Window(#[from] WindowExceeded),
    #[error("the viewer sent {0:?}, which only a screen may send")]
    Direction(Frame),
    #[error("the viewer cannot be written to")]
    Output(#[source] io::Error),
}

impl ScreenError {
    /// With its causes, in one line.
    pub(crate) fn sentence(&self) -> String {
        let mut sentence = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            sentence.push_str(": ");
            sentence.push_str(&error.to_string());
            cause = error.source();
        }
        sentence
    }
}
