//! What a viewer says when it comes, perhaps again. Pure.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use serde::{Deserialize, Serialize};

/// One viewer, whatever connections it has one after the other: 128 bits that it draws once. They tell
/// the viewers of one link from each other, and allow nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Viewer(u128);

/// Not 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a viewer is 32 hexadecimal digits")]
pub struct BadViewer;

impl Viewer {
    const DIGITS: usize = 32;

    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(u128::from_be_bytes(bytes))
    }

    pub fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }
}

impl fmt::Display for Viewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.0, width = Self::DIGITS)
    }
}

impl FromStr for Viewer {
    type Err = BadViewer;

    fn from_str(digits: &str) -> Result<Self, BadViewer> {
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if digits.len() != Self::DIGITS || !is_hex {
            return Err(BadViewer);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| BadViewer)
    }
}

impl From<Viewer> for String {
    fn from(viewer: Viewer) -> Self {
        viewer.to_string()
    }
}

impl TryFrom<String> for Viewer {
    type Error = BadViewer;

    fn try_from(digits: String) -> Result<Self, BadViewer> {
        digits.parse()
    }
}

/// Where a viewer is that comes, perhaps again. It passes as the value of `--join`, as JSON. Zeros and
/// nothing of one that comes for the first time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    pub viewer: Viewer,
    /// The terminal that the rest is about; what is said of another one counts for nothing.
    #[serde(default)]
    pub terminal: u64,
    /// The position up to which it has drawn the output; `None` where it is to be drawn the screen anew.
    #[serde(default)]
    pub drawn: Option<u64>,
    /// It can send again what it has typed from this position on.
    #[serde(default)]
    pub typed_from: u64,
    /// How much it has typed in all.
    #[serde(default)]
    pub typed_to: u64,
    /// How often it has interrupted. One that has not come yet is done when it joins.
    #[serde(default)]
    pub interrupts: u32,
}

impl Join {
    pub fn new(viewer: Viewer) -> Self {
        let (typed_from, typed_to, interrupts) = (0, 0, 0);
        Self { viewer, terminal: 0, drawn: None, typed_from, typed_to, interrupts }
    }

    /// The same of one that may only look: nothing that it typed is to come any more.
    #[must_use]
    pub fn looking(self) -> Self {
        Self { typed_from: self.typed_to, interrupts: 0, ..self }
    }

    /// The positions from which it can go on typing.
    pub fn typed(&self) -> RangeInclusive<u64> {
        self.typed_from.min(self.typed_to)..=self.typed_to
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_is_its_digits() {
        let digits = "000102030405060708090a0b0c0d0e0f";
        let viewer: Viewer = digits.parse().unwrap();
        assert_eq!(viewer.to_bytes(), std::array::from_fn(|byte| u8::try_from(byte).unwrap()));
        assert_eq!(Viewer::from_bytes(viewer.to_bytes()).to_string(), digits);
        for bad in ["", "00", &"g".repeat(32), &"0".repeat(33), &format!("+{}", "0".repeat(31))] {
            assert_eq!(bad.parse::<Viewer>(), Err(BadViewer), "{bad:?}");
        }
    }

    #[test]
    fn a_join_passes_as_json_and_may_say_less() {
        let viewer = Viewer::from_bytes([7; 16]);
        let join = Join {
            terminal: u64::MAX,
            drawn: Some(5),
            typed_from: 1,
            typed_to: 3,
            interrupts: 2,
            ..Join::new(viewer)
        };
        let text = serde_json::to_string(&join).unwrap();
        assert_eq!(serde_json::from_str::<Join>(&text).unwrap(), join);
        let short = format!(r#"{{"viewer":"{viewer}","later":true}}"#);
        assert_eq!(serde_json::from_str::<Join>(&short).unwrap(), Join::new(viewer));
    }

    #[test]
    fn who_may_only_look_has_nothing_more_to_type() {
        let join = Join {
            typed_from: 1,
            typed_to: 3,
            interrupts: 2,
            ..Join::new(Viewer::from_bytes([7; 16]))
        };
        assert_eq!((join.looking().typed(), join.looking().interrupts), (3..=3, 0));
        let absurd = Join { typed_from: 9, ..join };
        assert_eq!(absurd.typed(), 3..=3);
    }
}
