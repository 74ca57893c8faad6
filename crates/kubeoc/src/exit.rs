//! Exit codes: what a script learns of a failure. `--help` documents them.

use std::process::ExitCode;

/// A failure that has an exit code of its own. Its text is one or more whole
/// sentences for the user.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line asks for what cannot be.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    TimedOut(String),
    #[error("{0}")]
    Forbidden(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::NotFound(_) => 3,
            Self::TimedOut(_) => 4,
            Self::Forbidden(_) => 5,
        }
    }
}

/// The exit code of a command that failed.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(error.downcast_ref::<Failure>().map_or(1, Failure::code))
}
