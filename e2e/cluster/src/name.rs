//! A cluster's name, which is also the name of its folder and its cgroup.

use std::fmt;
use std::str::FromStr;

/// Lower-case letters, digits and dashes, at most 30: good as a host name, a folder and a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterName(String);

const LONGEST: usize = 30;

impl ClusterName {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for ClusterName {
    fn default() -> Self {
        Self("kubeopencode".to_owned())
    }
}

impl FromStr for ClusterName {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if !starts_well || name.ends_with('-') || name.len() > LONGEST || !name.bytes().all(allowed)
        {
            anyhow::bail!(
                "a cluster's name is 1 to {LONGEST} lower-case letters, digits and dashes, from a letter on"
            );
        }
        Ok(Self(name.to_owned()))
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_folder_or_hit_a_systemd_slice() {
        for good in ["kubeopencode", "a", "second-2"] {
            assert_eq!(good.parse::<ClusterName>().unwrap().as_str(), good);
        }
        for bad in ["", "..", "a/b", "system.slice", "-a", "a-", "A", "1a", &"a".repeat(31)] {
            assert!(bad.parse::<ClusterName>().is_err(), "{bad}");
        }
    }
}
