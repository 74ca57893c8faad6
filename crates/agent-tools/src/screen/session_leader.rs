//! The step between fork and the program: a new session with the terminal as its own. Must do
//! nothing that could fail silently.
//!
//! A step of its own, since setting up a child between fork and exec would need unsafe code.

use std::{ffi::OsString, io, os::unix::process::CommandExt, process::Command};

use rustix::process::{Signal, ioctl_tiocsctty, set_parent_process_death_signal, setsid};

use super::error::ScreenError;

/// Becomes `command`; returns only when that fails.
pub(crate) fn run(command: &[OsString]) -> ScreenError {
    let Some((program, arguments)) = command.split_first() else {
        return ScreenError::Session(io::ErrorKind::InvalidInput.into());
    };
    if let Err(source) = own_terminal() {
        return ScreenError::Session(source);
    }
    let source = Command::new(program).args(arguments).exec();
    ScreenError::Program { program: program.clone(), source }
}

/// The order matters: a screen that died before it could be watched has hung the terminal up, and
/// then the last step fails.
fn own_terminal() -> io::Result<()> {
    setsid()?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    ioctl_tiocsctty(io::stdin())?;
    Ok(())
}
