//! An Agent's UID without a place of its own in memory. Pure.

use std::str;

/// As long as each UID that the API server makes: RFC 9562, section 4.
const USUAL: usize = 36;

/// The text of a UID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Uid(Text);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Text {
    Usual([u8; USUAL]),
    Other(Box<str>),
}

impl Uid {
    pub(super) fn new(uid: &str) -> Self {
        let usual = uid.as_bytes().try_into();
        Self(usual.map_or_else(|_longer_or_shorter| Text::Other(uid.into()), Text::Usual))
    }

    pub(super) fn as_str(&self) -> &str {
        match &self.0 {
            // It was taken from text, so it is text.
            Text::Usual(bytes) => str::from_utf8(bytes).unwrap_or_default(),
            Text::Other(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_text_that_it_was_made_of() {
        let usual = "6f1c2d3e-4b5a-4978-8796-a0b1c2d3e4f5";
        assert_eq!(usual.len(), USUAL);
        for uid in [usual, "", "uid-1", &usual[1..], &format!("{usual}0"), &"é".repeat(18)] {
            assert_eq!(Uid::new(uid).as_str(), uid);
        }
    }
}
