//! Which namespaces an installation is for: all of the cluster, or a few. Pure.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// RFC 1123, as the API server demands it of a namespace.
const MAX_NAME: usize = 63;

/// The namespaces whose Agents an installation runs and serves. It reads nothing of any other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Namespaces {
    /// Those that there are, and those to come.
    #[default]
    All,
    /// At least one.
    Only(BTreeSet<String>),
}

/// Why a text names no namespaces.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name of a namespace: write names of lower-case letters, digits and \"-\", with commas between them, or nothing for all namespaces"
)]
pub struct NamespaceError(String);

impl Namespaces {
    /// What is watched, each by a watch of its own; `None` is the whole cluster.
    pub fn scopes(&self) -> impl Iterator<Item = Option<&str>> {
        let whole = matches!(self, Self::All).then_some(None);
        whole.into_iter().chain(self.names().map(Some))
    }

    /// Those that are named, in their order; none where all are meant.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = match self {
            Self::All => None,
            Self::Only(names) => Some(names),
        };
        names.into_iter().flatten().map(String::as_str)
    }
}

/// Names with commas between them; an empty text is all namespaces.
impl FromStr for Namespaces {
    type Err = NamespaceError;

    fn from_str(text: &str) -> Result<Self, NamespaceError> {
        if text.trim().is_empty() {
            return Ok(Self::All);
        }
        let name = |name: &str| {
            let name = name.trim();
            if is_label(name) { Ok(name.to_owned()) } else { Err(NamespaceError(name.to_owned())) }
        };
        text.split(',').map(name).collect::<Result<_, _>>().map(Self::Only)
    }
}

impl fmt::Display for Namespaces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(","))
    }
}

fn is_label(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_bounded = !name.is_empty() && name.len() <= MAX_NAME;
    is_bounded && name.bytes().all(inner) && !name.starts_with('-') && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Namespaces, NamespaceError> {
        text.parse()
    }

    #[test]
    fn nothing_is_the_whole_cluster() {
        for text in ["", " "] {
            let all = parsed(text).unwrap();
            assert_eq!(all, Namespaces::All);
            assert_eq!(all.scopes().collect::<Vec<_>>(), [None]);
            assert_eq!(all.to_string(), "");
        }
    }

    #[test]
    fn names_are_watched_each_on_its_own_and_once() {
        let longest = "a".repeat(MAX_NAME);
        let text = format!("team-b, team-a,team-b,0,{longest}");
        let some = parsed(&text).unwrap();
        let names = ["0", longest.as_str(), "team-a", "team-b"];
        assert_eq!(some.scopes().collect::<Vec<_>>(), names.map(Some));
        assert_eq!(parsed(&some.to_string()).unwrap(), some);
    }

    #[test]
    fn what_cannot_be_a_namespace_is_refused_by_name() {
        let long = "a".repeat(MAX_NAME + 1);
        for bad in ["Team", "team_a", "-a", "a-", "a.b", "*", "a b", "té", "../a", "a/b", &long] {
            for text in [bad.to_owned(), format!("team-a,{bad}")] {
                let error = parsed(&text).unwrap_err();
                assert_eq!(error, NamespaceError(bad.to_owned()), "{text}");
                assert!(error.to_string().contains("nothing for all namespaces"));
            }
        }
        for empty in [",", "team-a,", ",team-a", "team-a,,team-b"] {
            assert_eq!(parsed(empty).unwrap_err(), NamespaceError(String::new()), "{empty}");
        }
    }
}
