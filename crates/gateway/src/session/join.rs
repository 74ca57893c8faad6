//! Where a page is that comes, perhaps again, and what it is told of that. Pure.

use std::fmt;

use screen_wire::Viewer;
use serde::{Deserialize, Serialize, de::IgnoredAny};
use terminal_proto::v1::{Join, Resumed};

/// What the `join` of a page's first message says.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Joining {
    Page(PageJoin),
    /// Kept, so that a page is told which part of its message cannot be understood.
    Malformed(IgnoredAny),
}

/// A page that wants to go on where it was, or to be able to do so later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct PageJoin {
    viewer: Viewer,
    /// Nothing of one that comes for the first time, and so for the rest.
    terminal: Option<Terminal>,
    drawn: Option<Position>,
    #[serde(default)]
    typed_from: Position,
    #[serde(default)]
    typed_to: Position,
    #[serde(default)]
    interrupts: u32,
}

impl From<PageJoin> for Join {
    fn from(page: PageJoin) -> Self {
        Self {
            viewer: page.viewer.to_bytes().to_vec().into(),
            terminal: page.terminal.map_or(0, |terminal| terminal.0),
            drawn: page.drawn.map(|drawn| drawn.0),
            typed_from: page.typed_from.0,
            typed_to: page.typed_to.0,
            interrupts: page.interrupts,
        }
    }
}

/// A number of bytes that a page can count: its numbers are exact up to here, 2⁵³ − 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
struct Position(u64);

impl Position {
    const MAX: u64 = (1 << 53) - 1;
}

impl TryFrom<u64> for Position {
    type Error = &'static str;

    fn try_from(bytes: u64) -> Result<Self, Self::Error> {
        if bytes <= Self::MAX { Ok(Self(bytes)) } else { Err("a position is below 2^53") }
    }
}

/// Names a terminal: 16 hexadecimal digits, as a page's numbers are too small for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
struct Terminal(u64);

impl Terminal {
    const DIGITS: usize = 16;
}

impl fmt::Display for Terminal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0width$x}", self.0, width = Self::DIGITS)
    }
}

impl From<Terminal> for String {
    fn from(terminal: Terminal) -> Self {
        terminal.to_string()
    }
}

impl TryFrom<String> for Terminal {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u64::from_str_radix(&digits, 16).ok();
        number
            .filter(|_| is_hex && digits.len() == Self::DIGITS)
            .map(Self)
            .ok_or("a terminal is 16 hexadecimal digits")
    }
}

/// That the terminal can be resumed: which it is, and from where on the page is to type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Resume {
    terminal: Terminal,
    typed: u64,
}

impl From<Resumed> for Resume {
    fn from(Resumed { terminal, typed }: Resumed) -> Self {
        Self { terminal: Terminal(terminal), typed }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VIEWER: &str = "000102030405060708090a0b0c0d0e0f";

    fn read(text: &str) -> Option<Join> {
        match serde_json::from_str(text).unwrap() {
            Joining::Page(page) => Some(page.into()),
            Joining::Malformed(_) => None,
        }
    }

    fn with(members: &str) -> String {
        format!(r#"{{"viewer":"{VIEWER}"{members}}}"#)
    }

    #[test]
    fn a_page_says_who_it_is_and_how_far_it_came() {
        let first = Join { viewer: (0..16).collect::<Vec<u8>>().into(), ..Join::default() };
        assert_eq!(read(&with("")), Some(first.clone()));
        assert_eq!(read(&with(r#","later":{"more":[1]}"#)), Some(first.clone()));

        let again = Join {
            terminal: 0x00ff_0000_0000_0001,
            drawn: Some(Position::MAX),
            typed_from: 1,
            typed_to: 3,
            interrupts: 2,
            ..first
        };
        let members = r#","terminal":"00fF000000000001","drawn":9007199254740991,"typed_from":1,"typed_to":3,"interrupts":2"#;
        assert_eq!(read(&with(members)), Some(again));
    }

    #[test]
    fn what_cannot_be_understood_is_no_join() {
        let members = [
            r#""terminal":"0""#,
            r#""terminal":"+0000000000000ff""#,
            r#""terminal":"00000000000000001""#,
            r#""terminal":"000000000000000g""#,
            r#""terminal":7"#,
            r#""drawn":9007199254740992"#,
            r#""drawn":-1"#,
            r#""drawn":1.5"#,
            r#""drawn":"5""#,
            r#""drawn":[]"#,
            r#""typed_from":18446744073709551616"#,
            r#""typed_to":1e300"#,
            r#""typed_to":null"#,
            r#""interrupts":4294967296"#,
            r#""interrupts":true"#,
        ];
        for member in members {
            assert_eq!(read(&with(&format!(",{member}"))), None, "{member}");
        }
        let short = &VIEWER[2..];
        for join in ["7", "[]", "{}", r#""here""#, &format!(r#"{{"viewer":"{short}"}}"#)] {
            assert_eq!(read(join), None, "{join}");
        }
    }

    #[test]
    fn a_terminal_is_told_as_it_is_read() {
        let resume = Resume::from(Resumed { terminal: 0xff, typed: 5 });
        let expected = r#"{"terminal":"00000000000000ff","typed":5}"#;
        assert_eq!(serde_json::to_string(&resume).unwrap(), expected);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
            let _ = serde_json::from_str::<Joining>(&text);
        }

        #[test]
        fn each_terminal_has_16_digits_of_its_own(number: u64) {
            let digits = Terminal(number).to_string();
            prop_assert_eq!(digits.len(), Terminal::DIGITS);
            prop_assert_eq!(Terminal::try_from(digits), Ok(Terminal(number)));
        }
    }
}
