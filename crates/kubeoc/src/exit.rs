//! Exit codes, by which a script tells failures apart. `--help` documents them.

use std::process::ExitCode;

use crate::terminal;

/// A failure that has an exit code of its own. Its text is one or more whole
/// sentences for the user.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line asks for what is not possible.
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

/// The error and its causes in one line. Some libraries repeat a cause in the text
/// of its consequence; it is printed once. What others wrote may be part of it.
pub fn report(error: &anyhow::Error) -> String {
    let causes = error.chain().skip(1).map(ToString::to_string);
    let text = causes.fold(error.to_string(), |text, cause| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    });
    terminal::lines(&text)
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_cause_is_printed_once() {
        let error = anyhow!("no such file").context("cannot read x: no such file");
        assert_eq!(
            report(&error.context("no kubeconfig")),
            "no kubeconfig: cannot read x: no such file"
        );
    }

    #[test]
    fn a_failure_keeps_its_code_under_any_context() {
        let failure = anyhow::Error::new(Failure::TimedOut("timed out".into()));
        assert_eq!(code_of(&failure.context("sharing")), ExitCode::from(4));
        assert_eq!(code_of(&anyhow!("no cause known")), ExitCode::from(1));
    }
}
