//! The tools of an installation, which have a certificate each: as somebody names them. Pure.

use std::str::FromStr;

use api_types::{ToolError, ToolName, ToolRole};

/// A program of the users' own that calls the broker, and what it may do there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    name: ToolName,
    secret: String,
    identity: String,
    roles: Vec<ToolRole>,
}

impl Tool {
    pub fn new(name: ToolName, roles: impl IntoIterator<Item = ToolRole>) -> Self {
        let mut roles: Vec<_> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        Self { secret: name.secret(), identity: name.identity(), name, roles }
    }

    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// These tools, those of `named` first and no tool twice.
    pub fn joined(named: &[Self], found: Vec<Self>) -> Vec<Self> {
        let mut all: Vec<Self> = vec![];
        for tool in named.iter().cloned().chain(found) {
            if all.iter().all(|known| known.name != tool.name) {
                all.push(tool);
            }
        }
        all
    }

    /// The DNS name that is its own.
    pub(crate) fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) fn roles(&self) -> &[ToolRole] {
        &self.roles
    }
}

/// As a flag names it: `NAME=ROLE,…`.
impl FromStr for Tool {
    type Err = ToolError;

    fn from_str(text: &str) -> Result<Self, ToolError> {
        let (name, roles) = text.split_once('=').unwrap_or((text, ""));
        let name = name.parse()?;
        let roles = roles.split(',').map(str::parse).collect::<Result<Vec<_>, _>>()?;
        Ok(Self::new(name, roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_read_with_its_roles() {
        let tool: Tool = "nightly=close,list,close".parse().unwrap();
        let expected = Tool::new("nightly".parse().unwrap(), [ToolRole::List, ToolRole::Close]);
        assert_eq!(tool, expected);
        assert_eq!(tool.secret(), "kubeopencode-tool-nightly-tls");
        for (text, says) in [
            ("nightly", "\"\" is no role"),
            ("nightly=", "\"\" is no role"),
            ("nightly=list,admin", "\"admin\" is no role"),
            ("=list", "\"\" cannot be a tool's name"),
        ] {
            let error = text.parse::<Tool>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_tool_that_is_named_counts_as_it_is_named() {
        let tool = |text: &str| text.parse::<Tool>().unwrap();
        let found = vec![tool("a=attach"), tool("b=list")];
        let joined = Tool::joined(&[tool("a=list")], found);
        assert_eq!(joined, [tool("a=list"), tool("b=list")]);
    }
}
