//! A user's mistake, as a condition reports it.

use api_types::condition::reason;

use crate::refusal::shorten;

/// The longest sentence, in characters: users' own words in it may be of any length.
const LONGEST_SENTENCE: usize = 1000;

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

    /// The whole sentence, of which a condition can hold no more than so much.
    pub fn sentence(&self) -> String {
        shorten(&format!("{}: {}", self.field, self.message), LONGEST_SENTENCE)
    }
}
