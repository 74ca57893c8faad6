//! Spans of time in the notation of Go, kept as they were written.

use std::{fmt, str::FromStr, time};

use serde::{Deserialize, Serialize};

/// The longest run of digits read: an hour's worth of it still fits.
const MOST_DIGITS: usize = 9;

/// A span such as `30m` or `1h30m`; it is written back exactly as it was read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Duration {
    text: String,
    span: time::Duration,
}

/// A text that is no duration in the notation of Go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no duration, such as 30m or 1h30m")]
pub struct DurationError(String);

impl Duration {
    /// The span itself.
    pub fn get(&self) -> time::Duration {
        self.span
    }
}

impl FromStr for Duration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        let error = || DurationError(text.to_owned());
        // Longer numbers overflow in kube's parser, which then panics.
        if text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > MOST_DIGITS) {
            return Err(error());
        }
        let parsed: kube::core::Duration = text.parse().map_err(|_| error())?;
        if text.is_empty() || parsed.is_negative() {
            return Err(error());
        }
        Ok(Self { text: text.to_owned(), span: parsed.into() })
    }
}

impl TryFrom<String> for Duration {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, DurationError> {
        text.parse()
    }
}

impl From<Duration> for String {
    fn from(duration: Duration) -> Self {
        duration.text
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Duration({})", self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_duration() {
        let cases = [
            ("30m", Some(1_800_000)),
            ("1h30m", Some(5_400_000)),
            ("1.5h", Some(5_400_000)),
            ("250ms", Some(250)),
            ("999999999h", Some(3_599_999_996_400_000)),
            ("", None),
            ("30", None),
            ("soon", None),
            ("-30m", None),
            ("30 minutes", None),
            ("9999999999h", None),
        ];
        for (text, expected) in cases {
            let read = text.parse::<Duration>().ok().map(|duration| duration.get().as_millis());
            assert_eq!(read, expected, "{text:?}");
        }
    }

    #[test]
    fn the_spelling_survives() {
        let json = serde_json::json!("1h30m");
        let duration: Duration = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(duration).unwrap(), json);
    }
}
