//! What plugin-init installs.

use serde::{Deserialize, Serialize};

/// For `agent-tools plugin-init`: npm packages, installed together so that they share what they depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PluginJob {
    pub plugins: Vec<Specifier>,
    /// The folder that receives `node_modules`.
    pub directory: String,
}

/// A package of a registry, as in `package`, `package@1.2.3` or `@scope/package@^1.0.0`: never a path, a URL, an
/// alias or an option.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Specifier {
    package: String,
    version: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecifierError {
    #[error("it must be a package of a registry, as in package@1.2.3 or @scope/package")]
    Package,
    #[error("what follows '@' must be a version, a range or a tag, as in 1.2.3, ^1.0.0 or latest")]
    Version,
}

impl Specifier {
    pub fn parse(written: &str) -> Result<Self, SpecifierError> {
        let scope = usize::from(written.starts_with('@'));
        let (package, version) = match written[scope..].split_once('@') {
            Some((package, version)) => (&written[..scope + package.len()], Some(version)),
            None => (written, None),
        };
        if !is_package(package) {
            return Err(SpecifierError::Package);
        }
        if version.is_some_and(|version| !is_version(version)) {
            return Err(SpecifierError::Version);
        }
        Ok(Self { package: package.to_owned(), version: version.map(str::to_owned) })
    }

    /// The package's name, which is also its folder below `node_modules`.
    pub fn package(&self) -> &str {
        &self.package
    }

    /// A version, a range or a tag; npm takes `latest` for none.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }
}

/// npm's rules for new packages: at most 214 characters that need no escape in a URL, none upper-case.
fn is_package(package: &str) -> bool {
    let name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
            && part.bytes().all(|b| {
                b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'_')
            })
    };
    let whole = match package.strip_prefix('@') {
        Some(scoped) => {
            scoped.split_once('/').is_some_and(|(scope, rest)| name(scope) && name(rest))
        }
        None => name(package),
    };
    whole && package.len() <= 214 && package != "node_modules"
}

/// Of one word, as a range with blanks would be taken apart by npm's own command line.
fn is_version(version: &str) -> bool {
    let first =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '^' | '~' | '>' | '<' | '=' | '*');
    version.starts_with(first)
        && version.len() <= 128
        && version.chars().all(|c| first(c) || matches!(c, '.' | '-' | '+' | '_'))
}

impl std::fmt::Display for Specifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.package)?;
        self.version.iter().try_for_each(|version| write!(f, "@{version}"))
    }
}

impl TryFrom<String> for Specifier {
    type Error = SpecifierError;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::parse(&written)
    }
}

impl From<Specifier> for String {
    fn from(specifier: Specifier) -> Self {
        specifier.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_of_a_registry_is_taken_apart() {
        let parts = |written| {
            let parsed = Specifier::parse(written).unwrap();
            assert_eq!(parsed.to_string(), written);
            (parsed.package, parsed.version)
        };
        let version = |version: &str| Some(version.to_owned());
        assert_eq!(parts("plugin"), ("plugin".into(), None));
        assert_eq!(parts("plugin@1.2.3-rc.1+b"), ("plugin".into(), version("1.2.3-rc.1+b")));
        assert_eq!(
            parts("@corp/opencode-plugin@^1.0.0"),
            ("@corp/opencode-plugin".into(), version("^1.0.0"))
        );
        assert_eq!(parts("a@>=1.0.0"), ("a".into(), version(">=1.0.0")));
        assert_eq!(parts("a@latest"), ("a".into(), version("latest")));
    }

    #[test]
    fn nothing_else_is_a_plugin() {
        for written in [
            "",
            "@",
            "@a",
            "@a/",
            "@/a",
            "a/b",
            "../a",
            "./a",
            "/a",
            "~/a",
            "file:a",
            "a@file:../b",
            "git+https://h/r",
            "a@https://h/a.tgz",
            "a@npm:b",
            "--global",
            "-g",
            "a@--global",
            "a@",
            "a b",
            "a@1 || 2",
            "A",
            "a;b",
            "a\n",
            "a@1\n",
            "node_modules",
            "a@../..",
            "a@b/c",
            "@a/b/c",
            "$(a)",
            "a`b`",
        ] {
            assert!(Specifier::parse(written).is_err(), "{written:?}");
        }
        assert!(Specifier::parse(&"a".repeat(215)).is_err());
    }
}
