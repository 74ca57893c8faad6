//! Programs of the users' own that call the broker: what each may do, and the names by which its certificate says
//! so. Pure.

use std::{fmt, str::FromStr};

/// A certificate's DNS name of a tool begins with it.
const IDENTITY_PREFIX: &str = "kubeopencode-tool-";
/// The name of its Secret ends with it.
const SECRET_SUFFIX: &str = "-tls";
/// What is left of a DNS label (RFC 1035) beside [`IDENTITY_PREFIX`].
const MAX_TOOL_NAME: usize = 63 - IDENTITY_PREFIX.len();

/// What a tool may do. Each role stands in the certificate by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ToolRole {
    /// Opens terminals and wakes agents, by a share link's token.
    Attach,
    /// Lists sessions.
    List,
    /// Closes sessions.
    Close,
}

impl ToolRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Attach, Self::List, Self::Close];

    /// As people write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Attach => "attach",
            Self::List => "list",
            Self::Close => "close",
        }
    }

    /// The DNS name of certificates with this role.
    pub const fn dns_name(self) -> &'static str {
        match self {
            Self::Attach => "kubeopencode-attach",
            Self::List => "kubeopencode-list",
            Self::Close => "kubeopencode-close",
        }
    }

    /// The role that a certificate's DNS name stands for.
    pub fn of_dns_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.dns_name() == name)
    }
}

impl fmt::Display for ToolRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a text is not a tool's name, or not a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToolError {
    /// The name of a tool.
    Name(String),
    /// The name of a role.
    Role(String),
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => write!(
                f,
                "\"{name}\" cannot be a tool's name: use 1 to {MAX_TOOL_NAME} of a-z, 0-9 and -, with no - at either end"
            ),
            Self::Role(role) => {
                let roles = ToolRole::ALL.map(ToolRole::name).join(", ");
                write!(f, "\"{role}\" is no role: use some of {roles}")
            }
        }
    }
}

impl std::error::Error for ToolError {}

impl FromStr for ToolRole {
    type Err = ToolError;

    fn from_str(text: &str) -> Result<Self, ToolError> {
        let found = Self::ALL.into_iter().find(|role| role.name() == text);
        found.ok_or_else(|| ToolError::Role(text.to_owned()))
    }
}

/// The name of a tool, which its owner chose.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ToolName(String);

impl ToolName {
    /// The DNS name by which its certificate names it, and by which logs and Events do.
    pub fn identity(&self) -> String {
        format!("{IDENTITY_PREFIX}{}", self.0)
    }

    /// The Secret of its certificate.
    pub fn secret(&self) -> String {
        format!("{}{SECRET_SUFFIX}", self.identity())
    }

    /// Whose certificate a Secret holds, where it is a tool's.
    pub fn of_secret(secret: &str) -> Option<Self> {
        let name = secret.strip_prefix(IDENTITY_PREFIX)?.strip_suffix(SECRET_SUFFIX)?;
        name.parse().ok()
    }

    /// Whom a certificate's DNS name stands for, where that is a tool.
    pub fn of_dns_name(name: &str) -> Option<Self> {
        name.strip_prefix(IDENTITY_PREFIX)?.parse().ok()
    }
}

impl FromStr for ToolName {
    type Err = ToolError;

    fn from_str(text: &str) -> Result<Self, ToolError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let good = (1..=MAX_TOOL_NAME).contains(&text.len())
            && text.bytes().all(allowed)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if good { Ok(Self(text.to_owned())) } else { Err(ToolError::Name(text.to_owned())) }
    }
}

impl fmt::Display for ToolName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_found_by_its_secret_and_by_its_certificate() {
        let name: ToolName = "nightly-2".parse().unwrap();
        assert_eq!(name.identity(), "kubeopencode-tool-nightly-2");
        assert_eq!(name.secret(), "kubeopencode-tool-nightly-2-tls");
        assert_eq!(ToolName::of_secret(&name.secret()), Some(name.clone()));
        assert_eq!(ToolName::of_dns_name(&name.identity()), Some(name));
        for other in ["kubeopencode-broker-tls", "kubeopencode-tool--tls", "nightly"] {
            assert_eq!(ToolName::of_secret(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_fits_a_dns_label() {
        let longest = "a".repeat(MAX_TOOL_NAME);
        assert_eq!(longest.parse::<ToolName>().unwrap().identity().len(), 63);
        for bad in ["", "A", "a.b", "-a", "a-", "a_b", &format!("{longest}a")] {
            let error = bad.parse::<ToolName>().unwrap_err().to_string();
            assert!(error.contains("1 to 45 of a-z"), "{error}");
        }
    }

    #[test]
    fn a_role_is_read_as_it_is_written_and_no_name_of_a_role_is_a_tools() {
        for role in ToolRole::ALL {
            assert_eq!(role.name().parse(), Ok(role));
            assert_eq!(ToolRole::of_dns_name(role.dns_name()), Some(role));
            assert_eq!(ToolName::of_dns_name(role.dns_name()), None);
        }
        let error = "admin".parse::<ToolRole>().unwrap_err().to_string();
        assert_eq!(error, "\"admin\" is no role: use some of attach, list, close");
    }
}
