//! A user's mistake, as a condition reports it.

use api_types::condition::reason;

/// Why an agent cannot be built as it is written. There is no retry until the agent
/// or its template changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Of the condition `Ready`.
    pub reason: &'static str,
    /// The path of the field, as a user writes it.
    pub field: String,
    pub message: String,
}

impl Invalid {
    pub(crate) fn new(
        reason: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { reason, field: field.into(), message: message.into() }
    }

    /// A value that cannot be used.
    pub(crate) fn spec(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(reason::INVALID_SPEC, field, message)
    }

    /// The whole sentence.
    pub fn sentence(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}
