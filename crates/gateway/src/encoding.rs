//! Which form of a file a client gets: what it accepts against the forms there are. Pure.

use http::{HeaderMap, header::ACCEPT_ENCODING};
use sfv::{BareItem, Item, List, ListEntry, Parser};

/// A content coding (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {
    /// Bytes as they are.
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// The smaller a form is, the later it stands.
    const LARGEST_FIRST: [Self; 3] = [Self::Identity, Self::Gzip, Self::Brotli];

    /// As `Content-Encoding` and `Accept-Encoding` name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Brotli => "br",
        }
    }
}

/// The form that the client weighs most, and of equals the smallest. Bytes as they are go to whoever
/// asks for nothing, refuses everything, or asks in a way that cannot be read.
pub(crate) fn best(headers: &HeaderMap, is_there: impl Fn(Coding) -> bool) -> Coding {
    let Some(accepted) = Accepted::read(headers) else { return Coding::Identity };
    let there = Coding::LARGEST_FIRST.into_iter().filter(|coding| is_there(*coding));
    let weighed = there.filter_map(|coding| Some((accepted.weight(coding)?, coding)));
    weighed.max_by_key(|(weight, _)| *weight).map_or(Coding::Identity, |(_, coding)| coding)
}

/// Names of codings with their weights in thousandths.
struct Accepted(Vec<(String, i64)>);

impl Accepted {
    /// The field's values are a list of tokens with the parameter `q`, and so is a structured field of
    /// every client that writes it in lower case without spaces before a semicolon.
    fn read(headers: &HeaderMap) -> Option<Self> {
        let mut codings = Vec::new();
        for line in headers.get_all(ACCEPT_ENCODING) {
            for entry in Parser::new(line.as_bytes()).parse::<List>().ok()? {
                let ListEntry::Item(item) = entry else { return None };
                let name = item.bare_item.as_token()?.as_str().to_ascii_lowercase();
                codings.push((name, weight(&item)?));
            }
        }
        Some(Self(codings))
    }

    /// `None` where it is refused. Bytes as they are need not be named to be accepted, but whatever
    /// is named is preferred to them (RFC 9110, section 12.5.3).
    fn weight(&self, coding: Coding) -> Option<i64> {
        let named = |name: &str| {
            let found = self.0.iter().find(|(accepted, _)| accepted == name);
            found.map(|(_, weight)| *weight)
        };
        match named(coding.name()).or_else(|| named("*")) {
            Some(0) => None,
            None if coding == Coding::Identity => Some(0),
            weight => weight,
        }
    }
}

/// Between 0 and 1 with three digits (RFC 9110, section 12.4.2), here in thousandths.
fn weight(item: &Item) -> Option<i64> {
    let weight = match item.params.get("q") {
        None => 1000,
        Some(BareItem::Integer(whole)) => i64::from(*whole).saturating_mul(1000),
        Some(BareItem::Decimal(decimal)) => decimal.as_integer_scaled_1000().into(),
        Some(_) => return None,
    };
    (0..=1000).contains(&weight).then_some(weight)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::{
        Coding::{Brotli, Gzip, Identity},
        *,
    };

    fn of_all(lines: &[&str]) -> Coding {
        best(&headers(lines), |_| true)
    }

    fn headers(lines: &[&str]) -> HeaderMap {
        let value = |line: &&str| (ACCEPT_ENCODING, HeaderValue::from_str(line).unwrap());
        lines.iter().map(value).collect()
    }

    #[test]
    fn a_browser_gets_the_smallest_form() {
        for accepted in
            ["gzip, deflate, br, zstd", "gzip, deflate, br", "br;q=1.0, gzip;q=0.8, *;q=0.1"]
        {
            assert_eq!(of_all(&[accepted]), Brotli, "{accepted}");
        }
        assert_eq!(of_all(&["gzip, deflate"]), Gzip);
    }

    #[test]
    fn weights_decide_before_sizes() {
        let cases = [
            ("gzip, br;q=0.9", Gzip),
            ("gzip;q=0.999, br;q=0.998", Gzip),
            ("identity, gzip;q=0.5, br;q=0.5", Identity),
            ("identity;q=0.5, gzip;q=0.5", Gzip),
            ("gzip;q=0.001", Gzip),
            ("br;q=0, gzip", Gzip),
            ("BR", Brotli),
        ];
        for (accepted, expected) in cases {
            assert_eq!(of_all(&[accepted]), expected, "{accepted}");
        }
    }

    #[test]
    fn a_star_speaks_for_what_is_not_named() {
        assert_eq!(of_all(&["*"]), Brotli);
        assert_eq!(of_all(&["br;q=0, *"]), Gzip);
        assert_eq!(of_all(&["gzip, *;q=0"]), Gzip);
        assert_eq!(of_all(&["*;q=0.5, identity"]), Identity);
    }

    #[test]
    fn whoever_names_no_form_gets_bytes_as_they_are() {
        assert_eq!(of_all(&[]), Identity);
        for accepted in ["", "identity", "zstd, deflate", "br;q=0", "*;q=0", "identity;q=0, *;q=0"]
        {
            assert_eq!(of_all(&[accepted]), Identity, "{accepted}");
        }
    }

    #[test]
    fn what_cannot_be_read_asks_for_nothing() {
        for accepted in [
            "br;q=2",
            "br;q=-1",
            "br;q=high",
            "br;q=0.1234",
            "\"br\"",
            "(br gzip)",
            "br,,gzip",
            "br;",
        ] {
            assert_eq!(of_all(&[accepted]), Identity, "{accepted}");
        }
        assert_eq!(of_all(&["br", ";"]), Identity);
    }

    #[test]
    fn several_lines_are_one_list() {
        assert_eq!(of_all(&["gzip", "br"]), Brotli);
        assert_eq!(of_all(&["br;q=0.5", "gzip;q=0.7"]), Gzip);
    }

    #[test]
    fn only_a_form_that_there_is_is_chosen() {
        let accepted = headers(&["br, gzip;q=0.5"]);
        assert_eq!(best(&accepted, |coding| coding != Brotli), Gzip);
        assert_eq!(best(&accepted, |coding| coding == Identity), Identity);
    }

    proptest! {
        #[test]
        fn no_header_makes_the_choice_panic(accepted in "[ -~]{0,60}") {
            of_all(&[&accepted]);
        }

        #[test]
        fn what_is_refused_is_not_sent(weight in 0..=1000_u32) {
            let weight = f64::from(weight) / 1000.0;
            prop_assert_ne!(of_all(&[&format!("br;q=0, gzip;q={weight:.3}, identity;q=0.5")]), Brotli);
        }
    }
}
