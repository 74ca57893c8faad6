//! What of a repository to check out. Pure.

use serde::{Deserialize, Serialize};

/// `HEAD`, a branch, a tag, a full name as in `refs/heads/main`, or a commit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Reference(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it must be HEAD, a branch, a tag or a commit")]
pub struct ReferenceError;

impl Reference {
    /// By the rules of git-check-ref-format(1); and it does not begin with `-`.
    pub fn parse(written: &str) -> Result<Self, ReferenceError> {
        let forbidden =
            |c: char| c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\');
        let is_component = |part: &str| {
            !part.is_empty()
                && !part.starts_with('.')
                && !part.to_ascii_lowercase().ends_with(".lock")
        };
        let is_valid = written.split('/').all(is_component)
            && written.len() <= 255
            && !written.starts_with('-')
            && !written.ends_with('.')
            && !written.contains("..")
            && !written.contains("@{")
            && written != "@"
            && !written.contains(forbidden);
        if is_valid { Ok(Self(written.to_owned())) } else { Err(ReferenceError) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the whole name of a commit: 40 or 64 hexadecimal digits.
    pub fn is_commit(&self) -> bool {
        matches!(self.0.len(), 40 | 64) && self.0.bytes().all(|b| b.is_ascii_hexdigit())
    }
}

impl TryFrom<String> for Reference {
    type Error = ReferenceError;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::parse(&written)
    }
}

impl From<Reference> for String {
    fn from(reference: Reference) -> Self {
        reference.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_one_that_git_would_make() {
        for good in
            ["HEAD", "main", "feature/x", "v1.2.3", "refs/heads/main", "a@b", "release-1.0", "ü"]
        {
            assert!(Reference::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-b",
            "--upload-pack=x",
            "a b",
            "a..b",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[b",
            "a\\b",
            "a\n",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.",
            "a.lock",
            "a.lock/b",
            "@",
            "a@{0}",
            "a\0",
        ] {
            assert!(Reference::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_commit_is_its_whole_name() {
        let is_commit = |written: &str| Reference::parse(written).unwrap().is_commit();
        assert!(is_commit(&"0a".repeat(20)));
        assert!(is_commit(&"0a".repeat(32)));
        assert!(!is_commit("0a0a0a0"));
        assert!(!is_commit(&"0g".repeat(20)));
    }
}
