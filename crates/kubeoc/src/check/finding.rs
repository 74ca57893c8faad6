//! What was found, in a line each. Pure.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{cluster::Seen, terminal};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// It may not be read.
    Unknown,
    Warning,
    Failed,
}

/// As scripts read it: always these fields, `null` where one is unset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    pub(super) level: Level,
    pub(super) subject: String,
    pub(super) message: String,
    /// The command that mends it, or what to do.
    pub(super) fix: Option<String>,
}

impl Finding {
    fn new(level: Level, subject: &str, message: String, fix: Option<String>) -> Self {
        Self { level, subject: subject.to_owned(), message, fix }
    }

    pub(super) fn ok(subject: &str, message: impl Into<String>) -> Self {
        Self::new(Level::Ok, subject, message.into(), None)
    }

    pub(super) fn warning(
        subject: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Level::Warning, subject, message.into(), Some(fix.into()))
    }

    pub(super) fn failed(
        subject: &str,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self::new(Level::Failed, subject, message.into(), Some(fix.into()))
    }

    pub(super) fn unknown(subject: &str, right: &str) -> Self {
        let message = format!("you are not allowed to {right}");
        Self::new(Level::Unknown, subject, message, None)
    }
}

/// What was seen, or the finding that it may not be read.
pub(super) fn known<'a, T>(seen: &'a Seen<T>, subject: &str) -> Result<&'a T, Finding> {
    match seen {
        Seen::Known(seen) => Ok(seen),
        Seen::Unknown(right) => Err(Finding::unknown(subject, right)),
    }
}

pub(super) fn text(findings: &[Finding]) -> String {
    findings.iter().fold(String::new(), |mut text, finding| {
        let level = match finding.level {
            Level::Ok => "ok",
            Level::Unknown => "unknown",
            Level::Warning => "warning",
            Level::Failed => "failed",
        };
        let message = terminal::line(&finding.message);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{level:<9}{}: {message}", finding.subject);
        if let Some(fix) = &finding.fix {
            let _ = writeln!(text, "{:<9}{}", "", terminal::line(fix));
        }
        text
    })
}
