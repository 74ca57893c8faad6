//! Where a repository is. Pure.

use serde::{Deserialize, Serialize};

/// The URL of a repository: `https://…`, `http://…`, `ssh://…`, or ssh in the form `user@host:path`. Nothing else:
/// no path, no `file:`, no `ext::`, nothing that a transport could take for an option.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RepositoryError {
    #[error(
        "it must be a URL that begins with https://, http:// or ssh://, or of the form user@host:path"
    )]
    Form,
    #[error("it contains a password: put it into a Secret and name that in secretRef")]
    Password,
}

/// What a repository's URL consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RepositoryParts<'a> {
    pub user: Option<&'a str>,
    /// An address of IPv6 is without its brackets.
    pub host: &'a str,
    pub port: Option<u16>,
    /// With the slash that follows the host in a URL; as it is written in `user@host:path`.
    pub path: &'a str,
}

impl Repository {
    pub fn parse(written: &str) -> Result<Self, RepositoryError> {
        let has_strange = |text: &str| text.chars().any(|c| c.is_control() || c.is_whitespace());
        if has_strange(written) || written.len() > 2048 {
            return Err(RepositoryError::Form);
        }
        let rest = ["https://", "http://", "ssh://"]
            .iter()
            .find_map(|scheme| written.strip_prefix(scheme));
        let (authority, path) = match rest {
            Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
            None => scp_form(written).ok_or(RepositoryError::Form)?,
        };
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if user.is_some_and(|user| user.contains(':')) {
            return Err(RepositoryError::Password);
        }
        if user.is_some_and(|user| !is_user(user)) || !is_host(host) || path.is_empty() {
            return Err(RepositoryError::Form);
        }
        Ok(Self(written.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn parts(&self) -> RepositoryParts<'_> {
        let (authority, path) = match self.0.split_once("://") {
            Some((_, rest)) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
            None => self.0.split_once(':').unwrap_or((&self.0, "")),
        };
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        // Parsed already: what follows the last colon outside of brackets is a port.
        let (name, port) = match host.rsplit_once(':') {
            Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
            _ => (host, None),
        };
        RepositoryParts { user, host: name.trim_matches(['[', ']']), port, path }
    }

    /// What a submodule's URL in `.gitmodules` of this repository names: a URL of its own, or a path that begins
    /// with `./` or `../` and starts from this repository.
    pub fn submodule(&self, url: &str) -> Result<Self, RepositoryError> {
        if !url.starts_with("./") && !url.starts_with("../") {
            return Self::parse(url);
        }
        let root = self.0.len() - self.parts().path.len();
        let (authority, path) = self.0.split_at(root);
        let mut names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
        for name in url.split('/') {
            match name {
                "" | "." => {}
                // Not above the host.
                ".." => drop(names.pop().ok_or(RepositoryError::Form)?),
                name => names.push(name),
            }
        }
        let slash = if path.starts_with('/') { "/" } else { "" };
        Self::parse(&format!("{authority}{slash}{}", names.join("/")))
    }

    /// Whether it is reached over ssh.
    pub fn is_ssh(&self) -> bool {
        !self.0.starts_with("http") || scp_form(&self.0).is_some()
    }
}

/// `user@host` and `path` of `user@host:path`.
fn scp_form(written: &str) -> Option<(&str, &str)> {
    if written.contains("://") {
        return None;
    }
    let (authority, path) = written.split_once(':')?;
    (authority.contains('@') && !path.starts_with(':') && !path.starts_with('-'))
        .then_some((authority, path))
}

fn is_user(user: &str) -> bool {
    !user.starts_with('-')
        && !user.is_empty()
        && user
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'+' | b'%'))
}

/// A name or an address, and a port if any.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) => (address, port.strip_prefix(':').or(Some(""))),
            None => return false,
        },
        None => match host.split_once(':') {
            Some((name, port)) => (name, Some(port)),
            None => (host, None),
        },
    };
    let is_v6 = host.starts_with('[');
    let name_ok = if is_v6 {
        name.parse::<std::net::Ipv6Addr>().is_ok()
    } else {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
    };
    // A sign before it would be part of a number to Rust.
    let is_port = |port: &str| {
        port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    name_ok && port.is_none_or(is_port)
}

impl TryFrom<String> for Repository {
    type Error = RepositoryError;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::parse(&written)
    }
}

impl From<Repository> for String {
    fn from(repository: Repository) -> Self {
        repository.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_http_and_both_forms_of_ssh_are_taken() {
        let is_ssh = |written: &str| Repository::parse(written).map(|parsed| parsed.is_ssh());
        assert_eq!(is_ssh("https://example.com/team/repo.git"), Ok(false));
        assert_eq!(is_ssh("http://user@git.local:8080/repo"), Ok(false));
        assert_eq!(is_ssh("https://[::1]:8443/repo"), Ok(false));
        assert_eq!(is_ssh("ssh://git@example.com:2222/~/repo"), Ok(true));
        assert_eq!(is_ssh("git@example.com:team/repo.git"), Ok(true));
        assert_eq!(is_ssh("http@example.com:repo"), Ok(true));
    }

    #[test]
    fn a_password_belongs_into_a_secret() {
        let parsed = Repository::parse("https://me:secret@example.com/repo");
        assert_eq!(parsed, Err(RepositoryError::Password));
    }

    #[test]
    fn a_repository_has_a_user_a_host_a_port_and_a_path() {
        let parts = |written: &str| {
            let parsed = Repository::parse(written).unwrap();
            let RepositoryParts { user, host, port, path } = parsed.parts();
            (user.map(str::to_owned), host.to_owned(), port, path.to_owned())
        };
        let git = || Some("git".to_owned());
        let of = |user, host: &str, port, path: &str| (user, host.into(), port, path.into());
        assert_eq!(parts("https://[::1]:8443/a/b"), of(None, "::1", Some(8443), "/a/b"));
        assert_eq!(parts("https://[::1]/a"), of(None, "::1", None, "/a"));
        assert_eq!(parts("ssh://git@host:22/~/a"), of(git(), "host", Some(22), "/~/a"));
        assert_eq!(parts("git@host:a/b:c"), of(git(), "host", None, "a/b:c"));
    }

    #[test]
    fn a_submodule_is_relative_to_its_repository_or_has_a_url_of_the_same_grammar() {
        let joined = |base: &str, url: &str| {
            Repository::parse(base).unwrap().submodule(url).map(|found| found.0).ok()
        };
        let https = |url| joined("https://host/team/repo.git", url);
        assert_eq!(https("../lib.git").as_deref(), Some("https://host/team/lib.git"));
        assert_eq!(https("./lib").as_deref(), Some("https://host/team/repo.git/lib"));
        assert_eq!(https("../../x/lib").as_deref(), Some("https://host/x/lib"));
        assert_eq!(https("ssh://git@h/r").as_deref(), Some("ssh://git@h/r"));
        let scp = |url| joined("git@host:team/repo", url);
        assert_eq!(scp("../lib").as_deref(), Some("git@host:team/lib"));
        assert_eq!(scp("../../lib").as_deref(), Some("git@host:lib"));
        for hostile in [
            "../../../lib",
            "../../../../evil/lib",
            "../..",
            "/lib",
            "lib",
            "file:///lib",
            "ext::sh -c id",
            "-u./x",
            "../a\n",
            "../a b",
            "https://u:p@h/r",
        ] {
            assert_eq!(https(hostile), None, "{hostile:?}");
        }
        assert_eq!(scp("../../-oProxyCommand=id"), None);
        assert_eq!(scp("../../../lib"), None);
    }

    #[test]
    fn nothing_else_is_a_repository() {
        for written in [
            "",
            "repo",
            "/repo",
            "./repo",
            "../repo",
            "file:///repo",
            "ext::sh -c id",
            "ext::sh",
            "git://host/repo",
            "-oProxyCommand=id",
            "--upload-pack=id",
            "ssh://-oProxyCommand=id/repo",
            "ssh://-a@host/repo",
            "-a@host:repo",
            "git@-host:repo",
            "git@host:-repo",
            "host:repo",
            "https://",
            "https://host",
            "https://host/",
            "https:///repo",
            "https://ho st/repo",
            "https://host/re po",
            "https://host\n/repo",
            "https://host:0/repo",
            "https://host:+1/repo",
            "https://host:99999/repo",
            "https://[::1/repo",
            "https://[x]/repo",
            "ftp://h/r",
            "HTTPS://host/repo",
            "https://a$b/repo",
            "https://`id`/repo",
            "git@host::repo",
            "@host:repo",
        ] {
            assert!(Repository::parse(written).is_err(), "{written:?}");
        }
    }
}
