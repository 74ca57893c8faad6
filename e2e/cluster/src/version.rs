//! The Kubernetes that `--kubernetes` names: `1.37`, or a whole version such as `1.37.2`. Pure.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

/// The 37 of 1.37.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Minor(pub u16);

/// A release, such as 1.37.2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub minor: Minor,
    pub patch: u16,
}

/// What a user asks for: any release of a minor, or one release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub minor: Minor,
    pub patch: Option<u16>,
}

impl Wanted {
    pub fn accepts(self, version: Version) -> bool {
        self.minor == version.minor && self.patch.is_none_or(|patch| patch == version.patch)
    }

    /// The release, where the user named one and not only its minor.
    pub fn version(self) -> Option<Version> {
        self.patch.map(|patch| Version { minor: self.minor, patch })
    }
}

impl FromStr for Wanted {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.parse::<u16>().ok();
        let parts: Vec<_> = text.strip_prefix('v').unwrap_or(text).split('.').map(number).collect();
        match parts[..] {
            [Some(1), Some(minor)] => Ok(Self { minor: Minor(minor), patch: None }),
            [Some(1), Some(minor), Some(patch)] => {
                Ok(Self { minor: Minor(minor), patch: Some(patch) })
            }
            _ => bail!("a Kubernetes is a minor such as 1.37, or a version such as 1.37.2"),
        }
    }
}

impl FromStr for Version {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse::<Wanted>()?.version().with_context(|| format!("{text} is not a whole version"))
    }
}

impl fmt::Display for Minor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "1.{}", self.0)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.minor, self.patch)
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version() {
            Some(version) => version.fmt(formatter),
            None => self.minor.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minor_accepts_each_of_its_releases_and_a_version_only_itself() {
        let version = |text: &str| text.parse::<Version>().unwrap();
        let accepts =
            |wanted: &str, text: &str| wanted.parse::<Wanted>().unwrap().accepts(version(text));
        assert!(accepts("1.37", "1.37.2") && accepts("v1.37.2", "1.37.2"));
        assert!(!accepts("1.37.1", "1.37.2") && !accepts("1.3", "1.37.2"));
        assert!(version("1.9.9") < version("1.34.4"));
    }

    #[test]
    fn what_is_no_kubernetes_is_refused() {
        for bad in ["", "1", "2.0", "1.x", "1.37.", "1.37.2.1", "1.37-rc.0", "1.-1", "newest"] {
            assert!(bad.parse::<Wanted>().is_err(), "{bad}");
        }
        assert!("1.37".parse::<Version>().is_err());
    }
}
