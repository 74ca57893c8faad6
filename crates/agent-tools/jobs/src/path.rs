//! Paths that users write, relative to a folder that the controller chose. Pure.

use serde::{Deserialize, Serialize};

/// Where a program writes: `path` beneath `root`, which is an absolute path that the controller chose.
/// The program resolves it without leaving `root`, whatever links lie on the way. Without a path it is the folder
/// `root` itself, which exists already and may be a volume: what it holds besides is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    pub root: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<RelativePath>,
}

/// A path of one or more plain components: no `..`, no `.`, no empty component, no leading slash, no NUL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RelativePath(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RelativePathError {
    #[error("it is empty")]
    Empty,
    #[error("it must not contain '..'")]
    Parent,
    #[error("it contains a control character")]
    Control,
    #[error("a part of it is longer than 255 bytes")]
    LongName,
}

impl RelativePath {
    /// Slashes at both ends, doubled ones and `.` are dropped.
    pub fn parse(written: &str) -> Result<Self, RelativePathError> {
        let parts: Vec<&str> =
            written.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
        if parts.is_empty() {
            return Err(RelativePathError::Empty);
        }
        if parts.contains(&"..") {
            return Err(RelativePathError::Parent);
        }
        if written.chars().any(char::is_control) {
            return Err(RelativePathError::Control);
        }
        if parts.iter().any(|part| part.len() > 255) {
            return Err(RelativePathError::LongName);
        }
        Ok(Self(parts.join("/")))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path `below`, taken from this one.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self(format!("{}/{}", self.0, below.0))
    }
}

impl TryFrom<String> for RelativePath {
    type Error = RelativePathError;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::parse(&written)
    }
}

impl From<RelativePath> for String {
    fn from(path: RelativePath) -> Self {
        path.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_normalised_and_stays_beneath_its_root() {
        let parsed = |written| RelativePath::parse(written).map(|path| path.0);
        let plain = |path: &str| Ok(path.to_owned());
        assert_eq!(parsed("/a//b/./c/"), plain("a/b/c"));
        assert_eq!(parsed("a/..b/c..d"), plain("a/..b/c..d"));
        assert_eq!(parsed("./"), Err(RelativePathError::Empty));
        assert_eq!(parsed("a/../b"), Err(RelativePathError::Parent));
        assert_eq!(parsed("a\0b"), Err(RelativePathError::Control));
        assert_eq!(parsed(&"a".repeat(256)), Err(RelativePathError::LongName));
    }
}
